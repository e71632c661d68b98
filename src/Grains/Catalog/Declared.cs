namespace CozeCluster.Grains;

/// <summary>
/// A grain's own definition, asked of the catalog at most once a second: so every grain takes over a changed fleet without being told, on any node.
/// </summary>
internal sealed class Declared<T>(TimeProvider time, Func<Task<T?>> ask) where T : class
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private T? _value;
    private long _askedAt;
    private bool _asked;

    /// <summary>The definition; null if the fleet has none.</summary>
    public ValueTask<T?> Get() => _asked && time.GetElapsedTime(_askedAt) < Fresh ? new ValueTask<T?>(_value) : Ask();

    private async ValueTask<T?> Ask()
    {
        var value = await ask();
        _value = value;
        _asked = true;
        _askedAt = time.GetTimestamp();
        return value;
    }
}
