namespace CozeCluster;

/// <summary>
/// Fetches files from URLs that other parties chose, and never accesses the operator's own network. One instance serves a process. Thread-safe.
/// </summary>
public interface ISafeFetcher
{
    /// <summary>
    /// Fetches a whole file by http or https, of at most 20 MB, within 30 s. The server must have a public IP address. The address is checked when connecting,
    /// and again for each of at most 3 redirects.
    /// </summary>
    /// <param name="url">The URL.</param>
    /// <param name="mediaType">The beginning of the expected media type (<c>image/</c>); empty: any type.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FetchFailed"/>: the file could not be fetched safely. The message says why.</exception>
    Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken);
}

/// <summary>A file that was fetched.</summary>
/// <param name="MediaType">The media type that the server reported, without parameters.</param>
/// <param name="Content">The bytes.</param>
public sealed record FetchedFile(string MediaType, ReadOnlyMemory<byte> Content);
