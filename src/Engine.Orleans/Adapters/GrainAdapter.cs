namespace CozeCluster.Engine.Orleans;

/// <summary>Which Orleans interface stands for a grain interface.</summary>
public sealed class GrainAdapter
{
    private GrainAdapter(Type @interface, Type adapter, Func<IGrainFactory, string, object> reference)
    {
        Interface = @interface;
        Adapter = adapter;
        Reference = reference;
    }

    /// <summary>The grain interface.</summary>
    public Type Interface { get; }

    /// <summary>Its Orleans interface.</summary>
    public Type Adapter { get; }

    /// <summary>A reference to the grain of that key.</summary>
    internal Func<IGrainFactory, string, object> Reference { get; }

    /// <summary>An adapter. The class behind it has the name of the grain's definition as its <see cref="GrainTypeAttribute"/>.</summary>
    public static GrainAdapter Of<TGrain, TAdapter>()
        where TGrain : class, IGrain
        where TAdapter : class, TGrain, IGrainWithStringKey =>
        new(typeof(TGrain), typeof(TAdapter), static (factory, key) => factory.GetGrain<TAdapter>(key));
}
