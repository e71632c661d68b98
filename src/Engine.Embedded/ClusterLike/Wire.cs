using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Messages;

namespace CozeCluster.Engine.Embedded;

/// <summary>Copies messages the way a cluster would: by writing and reading them.</summary>
internal sealed class Wire
{
    private readonly JsonSerializerOptions _json;

    public Wire(IJsonTypeInfoResolver? more) => _json = new JsonSerializerOptions(MessagesJson.Default.Options)
    {
        TypeInfoResolver = more is null ? MessagesJson.Default : JsonTypeInfoResolver.Combine(MessagesJson.Default, more),
    };

    /// <summary>Checks that everything the methods of an interface carry can be written.</summary>
    /// <exception cref="InvalidOperationException">The message names method and type.</exception>
    public void Verify(IEnumerable<GrainMethod> methods)
    {
        foreach (var method in methods)
        {
            foreach (var type in method.Parameters.Select(p => p.ParameterType).Where(IsMessage).Append(method.ResultType).OfType<Type>())
            {
                try
                {
                    _json.GetTypeInfo(type);
                }
                catch (NotSupportedException e)
                {
                    throw new InvalidOperationException($"{method.Info.DeclaringType}.{method.Name}: {type} is not among the types of MessagesJson.", e);
                }
            }
        }
    }

    /// <summary>Copies arguments; observers and tokens stay what they are.</summary>
    public object?[] CopyArguments(GrainMethod method, object?[] arguments)
    {
        var copies = new object?[arguments.Length];
        for (var i = 0; i < copies.Length; i++)
        {
            var type = method.Parameters[i].ParameterType;
            copies[i] = IsMessage(type) ? Copy(arguments[i], _json.GetTypeInfo(type)) : arguments[i];
        }
        return copies;
    }

    /// <summary>Copies a result.</summary>
    public T Copy<T>(T value) => value is Nothing ? value : (T)Copy(value, _json.GetTypeInfo(typeof(T)))!;

    private static object? Copy(object? value, JsonTypeInfo type) => JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(value, type), type);

    private static bool IsMessage(Type type) => type != typeof(CancellationToken) && !type.IsAssignableTo(typeof(IObserver));
}
