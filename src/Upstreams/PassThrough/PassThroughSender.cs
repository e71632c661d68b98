using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Upstreams.Claude;
using CozeCluster.Upstreams.Gemini;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.PassThrough;

/// <summary>See <see cref="IPassThrough"/>.</summary>
internal sealed class PassThroughSender : IPassThrough, IDisposable
{
    private const int MaxKeyLength = 1024;
    private const int MaxErrorBody = 64 * 1024;

    private readonly ISecretSeal _seal;
    private readonly UpstreamHttp _http;

    public PassThroughSender(ISecretSeal seal)
    {
        _seal = new NotingSeal(seal);
        _http = new UpstreamHttp(_seal);
    }

    /// <inheritdoc />
    public async Task<HttpResponseMessage> Send(
        PassThroughTarget target, string path, string query, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var account = target.Account ?? PublicServerOf(target.Upstream);
        if (account.Upstream != target.Upstream)
            throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The account '{account.Id}' is not one of {target.Upstream}. Correct the fleet file.");
        request.RequestUri = PassThroughAddress.Of(target.Upstream, account.BaseUrl, path, query);
        var key = target.OwnKey is { } own ? Check(own) : OpenToken(account);
        Authorize(request.Headers, account, key, isOwn: target.OwnKey is not null);
        // A body that the client could unpack and this program could not would hide a secret.
        request.Headers.AcceptEncoding.Clear();
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        request.Headers.UserAgent.Clear();
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);

        var response = await _http.Send(account, request, ErrorCode.UpstreamUnavailable, cancellationToken).ConfigureAwait(false);
        try
        {
            if ((int)response.StatusCode is > 300 and < 400 and not 304)
            {
                throw new ClusterException(
                    ErrorCode.UpstreamProtocol, $"The server of {target.Upstream} redirects (HTTP {(int)response.StatusCode}). Redirects are not followed.");
            }
            await Unpack(response, cancellationToken).ConfigureAwait(false);
            if (target.OwnKey is null) await RemoveSecrets(response, key, cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private static AccountDefinition PublicServerOf(string upstream) => new()
    {
        Id = "public server",
        Upstream = upstream,
        BaseUrl = upstream switch
        {
            UpstreamNames.OpenAi => OpenAiApi.DefaultBaseUrl,
            UpstreamNames.Claude => ClaudeApi.DefaultBaseUrl,
            UpstreamNames.Gemini => GeminiApi.DefaultBaseUrl,
            _ => throw new ArgumentException("Not a provider of language models.", nameof(upstream)),
        },
    };

    private static void Authorize(HttpRequestHeaders headers, AccountDefinition account, string key, bool isOwn)
    {
        foreach (var name in (string[])["Authorization", "x-api-key", "api-key", "x-goog-api-key", "Proxy-Authorization", "Cookie"]) headers.Remove(name);
        switch (account.Upstream)
        {
            case UpstreamNames.OpenAi:
                headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
                if (isOwn) break;
                var options = OpenAiAccountOptions.Parse(account);
                if (options.Organization is { } organization) headers.TryAddWithoutValidation("OpenAI-Organization", organization);
                if (options.Project is { } project) headers.TryAddWithoutValidation("OpenAI-Project", project);
                break;
            case UpstreamNames.Claude:
                if (!headers.Contains("anthropic-version")) headers.Add("anthropic-version", ClaudeApi.Version);
                if (ClaudeAccountOptions.Parse(account).IsBearer) headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
                else headers.Add("x-api-key", key);
                break;
            default:
                headers.Add("x-goog-api-key", key);
                break;
        }
    }

    private string OpenToken(AccountDefinition account)
    {
        var token = account.Token is { } secret ? _seal.Open(secret).Trim() : "";
        return IsKey(token)
            ? token
            : throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The token of account '{account.Id}' is empty or has characters that tokens cannot have. Correct it in the fleet file.");
    }

    private static string Check(string own) =>
        IsKey(own) ? own : throw new ClusterException(ErrorCode.InvalidRequest, "Your own key of the provider has characters that keys cannot have.");

    private static bool IsKey(string text) => text.Length is > 0 and <= MaxKeyLength && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>Unpacks the body of a server that packs it although it was asked not to.</summary>
    private static async Task Unpack(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentEncoding.Count == 0) return;
        Replace(response, new StreamContent(await HttpBody.Open(response, cancellationToken).ConfigureAwait(false)), hasOldLength: false);
        response.Content.Headers.ContentEncoding.Clear();
    }

    /// <summary>A server may repeat what it received.</summary>
    private static async Task RemoveSecrets(HttpResponseMessage response, string token, CancellationToken cancellationToken)
    {
        RemoveSecrets(response.Headers, token);
        RemoveSecrets(response.Content.Headers, token);
        var masked = new MaskedBody(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), Encoding.UTF8.GetBytes(token));
        if ((int)response.StatusCode < 400)
        {
            Replace(response, new StreamContent(masked), hasOldLength: true);
            return;
        }
        var error = Encoding.UTF8.GetBytes(UpstreamText.RemoveSecrets(await ReadError(masked, cancellationToken).ConfigureAwait(false)));
        Replace(response, new ByteArrayContent(error), hasOldLength: false);
        response.Content.Headers.ContentLength = error.Length;
    }

    private static async Task<string> ReadError(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await HttpBody.ReadUpTo(body, MaxErrorBody, cancellationToken).ConfigureAwait(false);
            return Encoding.UTF8.GetString(bytes.Span);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to the provider broke while it was answering.", inner: e);
        }
    }

    private static void RemoveSecrets(HttpHeaders headers, string token)
    {
        foreach (var (name, values) in headers.Where(header => header.Value.Any(value => SecretsInUse.Remove(value, token) != value)).ToList())
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, values.Select(value => SecretsInUse.Remove(value, token)));
        }
    }

    private static void Replace(HttpResponseMessage response, HttpContent content, bool hasOldLength)
    {
        foreach (var (name, values) in response.Content.Headers)
        {
            if (hasOldLength || !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) content.Headers.TryAddWithoutValidation(name, values);
        }
        response.Content = content;
    }
}
