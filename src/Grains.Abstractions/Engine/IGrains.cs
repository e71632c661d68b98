namespace CozeCluster;

/// <summary>Where grains are found. One instance serves a process; thread-safe.</summary>
public interface IGrains
{
    /// <summary>A reference to the grain of that kind and key. Costs nothing; the grain comes to life when called.</summary>
    /// <param name="key">1 to 100 printable ASCII characters, no secret. See <see cref="GrainKeys"/>.</param>
    /// <exception cref="ArgumentException">The key is not of that form, or no grain of that kind is registered.</exception>
    T Get<T>(string key) where T : class, IGrain;

    /// <summary>
    /// The same, for the first call ever of a grain whose key was just made up: it cannot have stored anything, and an engine need not look. For that one call only; where it is
    /// sent again, or made of a grain that has stored something all the same, nothing worse comes of it than <see cref="ErrorCode.StateConflict"/> at its first save.
    /// </summary>
    /// <inheritdoc cref="Get{T}" path="/*[not(self::summary)]" />
    T GetNew<T>(string key) where T : class, IGrain => Get<T>(key);

    /// <summary>
    /// Makes <paramref name="observer"/> callable by grains. Pass <see cref="IObserverHandle{T}.Reference"/> as an argument of a grain call;
    /// it stays reachable until the handle is disposed. Calls arrive one at a time and in order if the grain awaits each, as it must.
    /// </summary>
    IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver;

    /// <summary>
    /// Has <paramref name="gone"/> called when nodes of the cluster have gone or are going: grains that lived there come to life elsewhere when they are called, and observers they called
    /// hear no more of them. Never called where there is one node only. More often than needed at times; on any thread, and it must return at once.
    /// </summary>
    /// <returns>Ends it.</returns>
    IDisposable? OnNodesGone(Action gone) => null;
}

/// <summary>Keeps an observer reachable.</summary>
public interface IObserverHandle<out T> : IDisposable where T : class, IObserver
{
    /// <summary>What to pass to grains.</summary>
    T Reference { get; }
}
