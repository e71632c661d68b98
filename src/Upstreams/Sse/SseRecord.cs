namespace CozeCluster.Upstreams.Sse;

/// <summary>One server-sent event. Its spans are valid until the next call to its reader.</summary>
internal readonly ref struct SseRecord(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isLoose)
{
    /// <summary>The <c>event</c> field; empty if there was none.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The <c>data</c> fields, joined by line feeds.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>The stream ended before the blank line that ends a record: <see cref="Data"/> may be cut.</summary>
    public bool IsLoose { get; } = isLoose;
}
