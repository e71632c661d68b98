using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.OpenAi;

// Requests whose whole answer is passed on.
internal sealed partial class OpenAiHttp
{
    /// <summary>Posts JSON and reads the whole answer, of at most <see cref="OpenAiLimits.MaxTaskBody"/> bytes.</summary>
    /// <exception cref="ClusterException">The server refused the request, sent no JSON or too much, or could not be reached.</exception>
    public async Task<T> Post<T>(
        AccountDefinition account, string path, ReadOnlyMemory<byte> body, Func<ReadOnlyMemory<byte>, T?> read, CancellationToken cancellationToken)
        where T : class
    {
        using var response = await SendRequest(account, HttpMethod.Post, path, body, isStream: false, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await HttpBody.ReadError(response, OpenAiLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false));
            var stream = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var answer = await HttpBody.ReadUpTo(stream, OpenAiLimits.MaxTaskBody, cancellationToken).ConfigureAwait(false);
            if (answer.Length >= OpenAiLimits.MaxTaskBody)
            {
                var text = $"The model's server sent an answer of more than {OpenAiLimits.MaxTaskBody >> 20} MiB. Send fewer inputs at once.";
                throw new ClusterException(ErrorCode.UpstreamInvalidRequest, text);
            }
            return read(answer) ?? throw ToException(response, answer);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to the model's server broke while it was answering.", inner: e);
        }
    }
}
