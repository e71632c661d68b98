using System.Reflection;
using System.Runtime.CompilerServices;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Sample values of all messages. They are created by reflection, so that the tests cover every new field.</summary>
internal static class Samples
{
    private static readonly Type[] All =
    [
        .. ContractAssembly.Value.GetExportedTypes()
            .Where(type => type.Namespace == typeof(Fleet).Namespace || type.IsDefined(typeof(GenerateSerializerAttribute))),
    ];

    /// <summary>Creates a message with all properties set.</summary>
    public static object Full(Type type) => Create(type, property => true);

    /// <summary>Creates a message with only the required properties set.</summary>
    public static object Bare(Type type) => Create(type, IsRequired);

    /// <summary>The optional properties of a message.</summary>
    public static IEnumerable<PropertyInfo> Optional(Type type)
    {
        var parameters = Constructor(type).GetParameters().Select(parameter => parameter.Name).ToHashSet();
        return Properties(type).Where(property => property.CanWrite && !parameters.Contains(property.Name) && !IsRequired(property));
    }

    /// <summary>The constructor with the most parameters.</summary>
    public static ConstructorInfo Constructor(Type type) => type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length)!;

    private static object Create(Type type, Func<PropertyInfo, bool> isIncluded)
    {
        var constructor = Constructor(type);
        var parameters = constructor.GetParameters();
        var message = constructor.Invoke([.. parameters.Select((parameter, i) => Value(parameter.ParameterType, parameter.Name!, i + 1))]);
        var rest = Properties(type)
            .Where(property => property.CanWrite && parameters.All(parameter => parameter.Name != property.Name) && isIncluded(property));
        foreach (var (i, property) in rest.Index()) property.SetValue(message, Value(property.PropertyType, property.Name, i + 1));
        return message;
    }

    private static PropertyInfo[] Properties(Type type) => type.GetProperties(BindingFlags.Instance | BindingFlags.Public);

    private static bool IsRequired(PropertyInfo property) => property.IsDefined(typeof(RequiredMemberAttribute));

    private static object? Value(Type declared, string name, int ordinal)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (type == typeof(byte[])) return new byte[] { 1, 2, (byte)ordinal };
        if (type == typeof(string)) return "a " + name.ToLowerInvariant();
        if (type == typeof(int)) return ordinal;
        if (type == typeof(byte[])) return new byte[] { 1, 2, 3 };
        if (type == typeof(long)) return 5_000_000_000L + ordinal;
        if (type == typeof(bool)) return true;
        if (type == typeof(double)) return 0.5 + ordinal;
        if (type == typeof(decimal)) return 0.5m + ordinal;
        if (type == typeof(DateTimeOffset)) return new DateTimeOffset(2026, 1, 2, 3, 4, 5, ordinal, TimeSpan.Zero);
        if (type == typeof(TimeSpan)) return TimeSpan.FromSeconds(90 * ordinal);
        if (type == typeof(ReadOnlyMemory<char>)) return "text 🙂".AsMemory();
        if (type == typeof(Cursor)) return new Cursor(1, 2, 3);
        if (type.IsEnum) return Enum.GetValues(type).GetValue(1)!;
        if (type == typeof(IReadOnlyDictionary<string, string>)) return new Dictionary<string, string> { ["Key"] = "value" };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)) return ListOf(type.GenericTypeArguments[0], name);
        // A reference needs a client or a silo. See FeedAddressTests.
        if (typeof(IAddressable).IsAssignableFrom(type)) return null;
        if (All.Contains(type)) return Full(type.IsAbstract ? Derived(type).First() : type);
        throw new NotSupportedException($"There is no sample for {type}. Add one here if messages may contain it.");
    }

    private static Array ListOf(Type type, string name)
    {
        object[] items = type.IsAbstract ? [.. Derived(type).Select(Full)] : [Value(type, name, 1)!];
        var array = Array.CreateInstance(type, items.Length);
        items.CopyTo(array, 0);
        return array;
    }

    private static IEnumerable<Type> Derived(Type type) =>
        All.Where(derived => !derived.IsAbstract && type.IsAssignableFrom(derived)).OrderBy(derived => derived.Name, StringComparer.Ordinal);
}
