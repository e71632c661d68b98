using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests.Grains;

/// <summary>The grain interfaces and observers, and all that their calls carry, found by reflection so that none is forgotten.</summary>
internal static class Calls
{
    private static readonly Assembly Abstractions = ContractAssembly.Value;

    /// <summary>Every interface that may be called from another process.</summary>
    public static IReadOnlyList<Type> Interfaces { get; } = [.. Abstractions.GetExportedTypes().Where(type => type.IsInterface && IsReference(type))];

    public static IEnumerable<MethodInfo> Methods { get; } = [.. Interfaces.SelectMany(type => type.GetMethods())];

    /// <summary>Our own types among what calls carry: arguments, results, what they hold, and what derives from those.</summary>
    public static IReadOnlyList<Type> Messages { get; } = [.. Closure(Methods.SelectMany(Carried)).OrderBy(type => type.Name, StringComparer.Ordinal)];

    /// <summary>What a call of <paramref name="method"/> carries there and back.</summary>
    public static IEnumerable<Type> Carried(MethodInfo method) => method.GetParameters().Select(parameter => parameter.ParameterType)
        .Concat(method.ReturnType.GenericTypeArguments)
        .Where(type => type != typeof(CancellationToken));

    private static bool IsReference(Type type) => typeof(IGrainWithStringKey).IsAssignableFrom(type) || typeof(IGrainObserver).IsAssignableFrom(type);

    private static HashSet<Type> Closure(IEnumerable<Type> roots)
    {
        var found = new HashSet<Type>();
        var open = new Stack<Type>(roots);
        while (open.TryPop(out var type))
        {
            if (type.HasElementType) open.Push(type.GetElementType()!);
            foreach (var argument in type.GenericTypeArguments) open.Push(argument);
            if (type.Assembly != Abstractions || type.HasElementType || IsReference(type) || !found.Add(type)) continue;
            foreach (var derived in Abstractions.GetExportedTypes().Where(derived => derived.BaseType == type)) open.Push(derived);
            foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public)) open.Push(property.PropertyType);
        }

        return found;
    }
}
