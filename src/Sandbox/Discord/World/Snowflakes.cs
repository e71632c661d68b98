namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's ids: milliseconds since 2015 above 22 low bits, always growing. Not thread safe.</summary>
internal sealed class Snowflakes(TimeProvider time)
{
    private const long Epoch = 1_420_070_400_000;
    private ulong _last;

    public ulong Next()
    {
        var now = (ulong)(time.GetUtcNow().ToUnixTimeMilliseconds() - Epoch) << 22;
        return _last = Math.Max(_last + 1, now);
    }

    public static DateTimeOffset TimeOf(ulong id) => DateTimeOffset.FromUnixTimeMilliseconds((long)(id >> 22) + Epoch);
}
