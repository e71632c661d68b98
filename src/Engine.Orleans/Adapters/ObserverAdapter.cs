namespace CozeCluster.Engine.Orleans;

/// <summary>Which Orleans interface stands for an observer interface, and how an observer is made to answer to it.</summary>
public sealed class ObserverAdapter
{
    private ObserverAdapter(
        Type @interface, Type adapter, Func<IObserver, Observed> adapt, Func<IGrainFactory, Observed, IAddressable> reference, Action<IGrainFactory, IAddressable> delete)
    {
        Interface = @interface;
        Adapter = adapter;
        Adapt = adapt;
        Reference = reference;
        Delete = delete;
    }

    /// <summary>The observer interface.</summary>
    public Type Interface { get; }

    /// <summary>Its Orleans interface.</summary>
    public Type Adapter { get; }

    internal Func<IObserver, Observed> Adapt { get; }

    internal Func<IGrainFactory, Observed, IAddressable> Reference { get; }

    internal Action<IGrainFactory, IAddressable> Delete { get; }

    /// <summary>An adapter.</summary>
    /// <param name="adapt">Wraps an observer; what it returns implements <typeparamref name="TAdapter"/>.</param>
    public static ObserverAdapter Of<TObserver, TAdapter>(Func<TObserver, Observed<TObserver>> adapt)
        where TObserver : class, IObserver
        where TAdapter : class, TObserver, IGrainObserver =>
        new(
            typeof(TObserver),
            typeof(TAdapter),
            observer => adapt((TObserver)observer),
            static (factory, observed) => factory.CreateObjectReference<TAdapter>((TAdapter)(object)observed),
            static (factory, reference) => factory.DeleteObjectReference<TAdapter>((TAdapter)reference));
}

/// <summary>An observer as Orleans calls it.</summary>
public abstract class Observed
{
    private protected Observed()
    {
    }

    internal abstract void Drop();
}

/// <inheritdoc />
public abstract class Observed<T>(T observer) : Observed where T : class, IObserver
{
    private volatile T? _observer = observer;

    /// <summary>The observer.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.EngineRejected"/>: it is gone. Said for a while after, so that who calls need not wait out its time.</exception>
    protected T Observer => _observer ?? throw new ClusterException(ErrorCode.EngineRejected, "Nobody observes any more.");

    internal override void Drop() => _observer = null;
}
