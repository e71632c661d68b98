namespace CozeCluster;

/// <summary>
/// Fetches what an address that others chose points at, without ever reaching into the operator's own network. One instance serves a process; thread-safe.
/// </summary>
public interface ISafeFetcher
{
    /// <summary>
    /// Fetches a whole file: http or https, from public addresses only (checked when connecting, and again for each of at most 3 redirects), at most 20 MB, within 30 s.
    /// </summary>
    /// <param name="url">Where it is.</param>
    /// <param name="mediaType">What it has to be: a media type's beginning (<c>image/</c>), or empty for anything.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FetchFailed"/>: it could not be fetched, or not safely; says why.</exception>
    Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken);
}

/// <summary>A file that was fetched.</summary>
/// <param name="MediaType">As its server named it, without parameters.</param>
/// <param name="Content">The bytes.</param>
public sealed record FetchedFile(string MediaType, ReadOnlyMemory<byte> Content);
