namespace CozeCluster;

/// <summary>
/// Sends the requests of clients to the servers of language models as they are, with the credential of an account. Only processes that can open secrets have
/// it. Thread-safe.
/// </summary>
public interface IPassThrough
{
    /// <summary>Sends a request and returns when the headers of the response have arrived.</summary>
    /// <param name="target">The server, and whose credential is used.</param>
    /// <param name="path">The path at the provider's own server, percent-encoded: <c>/v1/chat/completions</c>.</param>
    /// <param name="query">The query, with its question mark; empty if there is none. It contains no key.</param>
    /// <param name="request">
    /// The method, the headers and the body. Its address is replaced, and so are its credentials. Headers that the provider requires are added.
    /// </param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>
    /// The response as it is, unpacked, whatever its status. The account's credential is replaced in its headers and in its body, and other secrets in the
    /// body of an error.
    /// </returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the path leaves the address of the account, or the client's key cannot be one.
    /// <see cref="ErrorCode.UpstreamProtocol"/>: the server redirects. Others: the account cannot be used, or its server could not be reached.
    /// </exception>
    Task<HttpResponseMessage> Send(
        PassThroughTarget target, string path, string query, HttpRequestMessage request, CancellationToken cancellationToken);
}

/// <summary>Where a request is sent, and with which credential.</summary>
/// <param name="upstream">The provider: one of <see cref="UpstreamNames"/> that are language models.</param>
/// <param name="account">The account; null: the provider's public server, with the client's own key.</param>
/// <param name="ownKey">The client's own key, which is sent instead of the account's credential; null: the account's.</param>
public sealed class PassThroughTarget(string upstream, AccountDefinition? account, string? ownKey)
{
    /// <summary>The provider.</summary>
    public string Upstream => upstream;

    /// <summary>The account whose server, proxy and options are used; null: the provider's public server.</summary>
    public AccountDefinition? Account => account;

    /// <summary>The client's own key; null: the credential of the account.</summary>
    public string? OwnKey => ownKey;
}
