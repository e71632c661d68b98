namespace CozeCluster.Grains;

/// <summary>
/// A grain's own definition. It is read from the catalog at most once a second, so every grain on every node uses a changed fleet within about a second.
/// </summary>
internal sealed class CachedDefinition<T>(TimeProvider time, Func<Task<T?>> read) where T : class
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private T? _value;
    private long _readAt;
    private bool _isRead;

    /// <summary>Gets the definition; null if the fleet has none.</summary>
    public ValueTask<T?> Get() => _isRead && time.GetElapsedTime(_readAt) < Lifetime ? new ValueTask<T?>(_value) : Read();

    private async ValueTask<T?> Read()
    {
        var value = await read();
        _value = value;
        _isRead = true;
        _readAt = time.GetTimestamp();
        return value;
    }
}
