namespace CozeCluster.Engine.Orleans;

/// <summary>Which Orleans interface stands for an observer interface.</summary>
public sealed class ObserverAdapter
{
    private ObserverAdapter(Type @interface, Type adapter)
    {
        Interface = @interface;
        Adapter = adapter;
    }

    /// <summary>The observer interface.</summary>
    public Type Interface { get; }

    /// <summary>Its Orleans interface.</summary>
    public Type Adapter { get; }

    /// <summary>An adapter.</summary>
    public static ObserverAdapter Of<TObserver, TAdapter>()
        where TObserver : class, IObserver
        where TAdapter : class, TObserver, IGrainObserver => new(typeof(TObserver), typeof(TAdapter));
}
