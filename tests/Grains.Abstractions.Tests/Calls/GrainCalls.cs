using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>All grain interfaces, observer interfaces and message types. They are found by reflection, so that the tests cover every new one.</summary>
internal static class GrainCalls
{
    private static readonly Assembly Abstractions = ContractAssembly.Value;

    /// <summary>All interfaces that other processes may call.</summary>
    public static IReadOnlyList<Type> Interfaces { get; } = [.. Abstractions.GetExportedTypes().Where(type => type.IsInterface && IsReference(type))];

    public static IEnumerable<MethodInfo> Methods { get; } = [.. Interfaces.SelectMany(type => type.GetMethods())];

    /// <summary>All message types of this project: the types of arguments and results, the types of their properties, and derived types.</summary>
    public static IReadOnlyList<Type> Messages { get; } = [.. Closure(Methods.SelectMany(MessageTypes)).OrderBy(type => type.Name, StringComparer.Ordinal)];

    /// <summary>The types of the arguments and of the result of a method.</summary>
    public static IEnumerable<Type> MessageTypes(MethodInfo method) => method.GetParameters().Select(parameter => parameter.ParameterType)
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
