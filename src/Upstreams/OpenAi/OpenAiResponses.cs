using System.Globalization;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>The requests about responses that exist already.</summary>
internal sealed class OpenAiResponses(OpenAiHttp http)
{
    /// <summary>The path of the Responses API.</summary>
    public const string Path = "/responses";

    /// <summary>Opens a stream of the events behind a number; −1 for all of them.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamNotFound"/>: the server does not have the response. <see cref="ErrorCode.UpstreamInvalidRequest"/>,
    /// <see cref="ErrorCode.UpstreamProtocol"/>: the server does not stream it. Others: it could not be read.
    /// </exception>
    public Task<EventStream> OpenStream(AccountDefinition account, string id, long after, CancellationToken cancellationToken)
    {
        var from = after < 0 ? "" : $"&starting_after={after.ToString(CultureInfo.InvariantCulture)}";
        return http.OpenStream(account, HttpMethod.Get, $"{Path}/{id}?stream=true{from}", body: default, cancellationToken);
    }

    /// <summary>Reads a response as it is.</summary>
    /// <exception cref="ClusterException">It could not be read.</exception>
    public Task<JsonElement> Read(AccountDefinition account, string id, CancellationToken cancellationToken) =>
        http.Send(account, HttpMethod.Get, $"{Path}/{id}", cancellationToken);

    /// <summary>Stops a response.</summary>
    /// <exception cref="ClusterException">The request failed, or there is nothing to stop.</exception>
    public Task Cancel(AccountDefinition account, string id, CancellationToken cancellationToken) =>
        http.Send(account, HttpMethod.Post, $"{Path}/{id}/cancel", cancellationToken);

    /// <summary>Deletes a response.</summary>
    /// <exception cref="ClusterException">The request failed, or there is nothing to delete.</exception>
    public Task Delete(AccountDefinition account, string id, CancellationToken cancellationToken) =>
        http.Send(account, HttpMethod.Delete, $"{Path}/{id}", cancellationToken);
}
