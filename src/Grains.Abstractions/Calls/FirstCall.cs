namespace CozeCluster;

/// <summary>
/// Marks the first call to a grain whose key was just generated. Nothing can be stored under such a key, so the silo that activates the grain does not read the
/// storage. On PostgreSQL this saves a new conversation one round trip before its first text. If the mark is wrong, the grain's first save fails with
/// <see cref="ErrorCode.StateConflict"/>.
/// </summary>
public static class FirstCall
{
    private const string Key = "first-call";

    /// <summary>
    /// Marks calls to the grain whose key is <paramref name="grainKey"/> until the result is disposed. Dispose the result before the next <c>await</c>.
    /// </summary>
    public static Mark To(string grainKey)
    {
        RequestContext.Set(Key, grainKey);
        return default;
    }

    /// <summary>Whether the call that activates <paramref name="grain"/> is marked.</summary>
    public static bool Activates(GrainId grain) => RequestContext.Get(Key) is string marked && marked == grain.Key.ToString();

    /// <summary>Removes the mark, so that it affects neither calls that the grain itself makes nor a retry of the first call.</summary>
    public static void Clear() => RequestContext.Remove(Key);

    /// <summary>Removes the mark when disposed.</summary>
    public readonly struct Mark : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => Clear();
    }
}
