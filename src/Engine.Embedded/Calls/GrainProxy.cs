using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace CozeCluster.Engine.Embedded;

/// <summary>A reference to a grain. One is made per kind; the others are copies of it with another key, which costs next to nothing.</summary>
[SuppressMessage("Performance", "CA1852", Justification = "DispatchProxy derives from it")]
internal class GrainProxy : DispatchProxy
{
    private GrainKind _kind = null!;
    private string _key = "";

    public static GrainProxy Prototype(GrainKind kind)
    {
        var proxy = (GrainProxy)Create(kind.Definition.Interface, typeof(GrainProxy));
        proxy._kind = kind;
        return proxy;
    }

    public object For(string key)
    {
        var proxy = (GrainProxy)MemberwiseClone();
        proxy._key = key;
        return proxy;
    }

    public override string ToString() => $"{_kind.Name} {_key}";

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var method = _kind.Methods[targetMethod!];
        args ??= [];
        foreach (var index in method.ObserverIndexes)
        {
            if (args[index] is not (null or ObserverProxy))
                throw new ArgumentException("Pass the Reference of IGrains.Observe, not the observer itself.", method.Parameters[index].Name);
        }
        return method.Call(_kind, _key, args);
    }
}
