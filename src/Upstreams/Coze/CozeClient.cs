using System.Text.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Sends requests with an account's token. One that Coze refuses is fetched anew where it can be, and the request sent once more.</summary>
internal sealed class CozeClient(CozeHttp http, CozeTokens tokens)
{
    /// <summary>Asks for an event stream; see <see cref="CozeHttp.OpenStream"/>.</summary>
    public Task<CozeStream> OpenStream(AccountDefinition account, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        WithToken(account, token => http.OpenStream(account, token, path, CozeJson.Content(body), cancellationToken), cancellationToken);

    /// <summary>Sends a request that is answered with JSON; see <see cref="CozeHttp.Send"/>.</summary>
    /// <param name="account">Whose token to send with.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="content">Makes the body, once for each try.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<JsonElement> Send(AccountDefinition account, string path, Func<HttpContent> content, CancellationToken cancellationToken) =>
        WithToken(account, token => http.Send(account, token, path, content(), cancellationToken), cancellationToken);

    /// <summary>Reads; see <see cref="CozeHttp.Read"/>.</summary>
    public Task<JsonElement> Read(AccountDefinition account, string path, CancellationToken cancellationToken) =>
        WithToken(account, token => http.Read(account, token, path, cancellationToken), cancellationToken);

    private async Task<T> WithToken<T>(AccountDefinition account, Func<string, Task<T>> send, CancellationToken cancellationToken)
    {
        var token = await tokens.Get(account, cancellationToken).ConfigureAwait(false);
        try
        {
            return await send(token).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized && account.OAuth is not null && account.Token is null)
        {
            tokens.Drop(account, token);
        }
        return await send(await tokens.Get(account, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }
}
