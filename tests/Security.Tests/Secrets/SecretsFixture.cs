using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>
/// A node with a secret of each kind, with all log levels, whose upstreams and proxy repeat every header that they receive in all that they say.
/// </summary>
internal sealed class SecretsFixture : IAsyncDisposable
{
    /// <summary>The models, one for each way in which the upstream repeats what it received.</summary>
    public static readonly string[] Models =
    [
        "refusal", "refusal-401", "page", "stream-error", "failed-chat", "proxied", "oauth", "unreachable-proxy", "discord", .. LanguageModels, .. OwnKeyModels,
    ];

    /// <summary>The models of upstreams of language models. Each upstream refuses, answers with a page, and fails within a stream.</summary>
    public static IEnumerable<string> LanguageModels =>
        from upstream in (string[])["openai", "claude", "gemini"] from fault in (string[])["refusal", "page", "stream"] select $"{upstream}-{fault}";

    /// <summary>The same models, with the key of the tenant itself.</summary>
    public static IEnumerable<string> OwnKeyModels => LanguageModels.Select(model => model.Replace("-", "-own-", StringComparison.Ordinal));

    /// <summary>The models that make embeddings, with the key of the account and of the tenant.</summary>
    public static readonly string[] EmbeddingModels =
        ["openai-refusal-vectors", "openai-page-vectors", "openai-own-refusal-vectors", "openai-own-page-vectors"];

    private readonly SandboxNode _node;
    private readonly Trap _server;
    private readonly Channel<string> _notifications;

    private SecretsFixture(
        SandboxNode node, Trap server, Channel<string> notifications, OtlpReceiver collector, string data, IReadOnlyDictionary<string, string> secrets) =>
        (_node, _server, _notifications, Collector, Data, Secrets) = (node, server, notifications, collector, data, secrets);

    /// <summary>Receives the metrics and traces of the node.</summary>
    public OtlpReceiver Collector { get; }

    /// <summary>The secrets by what they are.</summary>
    public IReadOnlyDictionary<string, string> Secrets { get; }

    /// <summary>The data folder.</summary>
    public string Data { get; }

    public HttpClient Http => _node.Http;

    public INode Node => _node.Node;

    /// <summary>The number of requests that the upstreams have received.</summary>
    public int Requests => _server.Requests;

    public string Key => Secrets["the key of a tenant"];

    /// <summary>The keys of the stored secrets for the command that replaces them.</summary>
    public string NewKeys => $"{Secrets["another key of the stored secrets"]},{Secrets["the key of the stored secrets"]}";

    /// <summary>Waits for a notification, and returns the bodies of all that the webhook has received. Its secret is a header of them.</summary>
    public async Task<byte[]> ReadNotificationsAsync()
    {
        var bodies = new StringBuilder(await _notifications.Reader.ReadAsync(TestTimeout.Token));
        while (_notifications.Reader.TryRead(out var body)) bodies.AppendLine(body);
        return Encoding.UTF8.GetBytes(bodies.ToString());
    }

    /// <summary>The headers of a request for a model.</summary>
    public Dictionary<string, string> HeadersOf(string model) =>
        model.Contains("-own-", StringComparison.Ordinal)
            ? new() { ["x-upstream-authorization"] = $"{UpstreamOf(model)} {Secrets["the own key of a tenant"]}" }
            : [];

    public string AdminKey => Secrets["the key of the operators"];

    public static async Task<SecretsFixture> StartAsync()
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportPkcs8PrivateKeyPem();
        var secrets = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["the key of a tenant"] = "Canary/key+of=tenant?1177",
            ["the key of the operators"] = "Canary/key+of=operators?2288",
            ["the token of an account"] = "Canary/token+of=account?3399",
            ["the password of a proxy"] = "Canary-password_of~proxy.4411",
            ["the password of another proxy"] = "Canary/password+of=proxy?5522",
            ["the token of a listener"] = "Canary.token-of_listener.6633",
            ["the token of a Discord account"] = "Canary.token-of_discord-account.7744",
            ["the key of openai"] = "Canary/key+of=openai?9911",
            ["the key of claude"] = "Canary/key+of=claude?9922",
            ["the key of gemini"] = "Canary/key+of=gemini?9933",
            ["the own key of a tenant"] = "Canary/own+key=of~tenant?6655",
            ["the private key of an OAuth app"] = pem.Split('\n')[3],
            ["the secret of a webhook"] = "Canary/secret+of=webhook?8855",
            ["the key of the collector"] = "Canary/key+of~collector.7722",
            ["a new token"] = "Canary/new+token=of~account?1199",
            ["another key of the stored secrets"] = Convert.ToBase64String(SHA256.HashData("another canary"u8)),
            ["the key of the stored secrets"] = Convert.ToBase64String(SHA256.HashData("canary"u8)),
        };
        var notifications = Channel.CreateUnbounded<string>();
        var server = await Trap.StartAsync(context => Repeat(context, notifications));
        var collector = await OtlpReceiver.StartAsync();
        var environment = collector.Environment;
        environment["COZECLUSTER_SECRETS_KEY"] = secrets["the key of the stored secrets"];
        environment["OTEL_EXPORTER_OTLP_HEADERS"] = $"api-key={Uri.EscapeDataString(secrets["the key of the collector"])}";
        var data = "";
        var node = await SandboxNode.StartAsync(
            (_, folder) =>
            {
                data = Path.Combine(folder.Path, "data");
                return CreateFleet(secrets, server.Url, folder.Write("oauth.pem", pem));
            },
            arguments: ["--start-grace", "60s", "--log-level", "trace", "--genai-telemetry"],
            environment: environment);
        return new SecretsFixture(node, server, notifications, collector, data, secrets);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _server.DisposeAsync();
        await Collector.DisposeAsync();
    }

    private static string CreateFleet(IReadOnlyDictionary<string, string> secrets, Uri server, string oauthKeyFile)
    {
        var token = secrets["the token of an account"];
        var url = server.ToString().TrimEnd('/');
        var proxy = $"http://user:{secrets["the password of a proxy"]}@127.0.0.1:{server.Port}";
        var downProxy = $"http://user:{Uri.EscapeDataString(secrets["the password of another proxy"])}@127.0.0.1:1";
        string[] plain = ["refusal", "refusal-401", "page", "stream-error", "failed-chat"];
        var accounts = plain.Select(model => $$"""{ id: {{model}}, upstream: coze, base_url: "{{url}}/{{model}}", token: "{{token}}" }""")
            .Append($$"""{ id: proxied, upstream: coze, base_url: "http://coze.invalid/refusal", token: "{{token}}-2", proxy: "{{proxy}}" }""")
            .Append($$"""{ id: unreachable-proxy, upstream: coze, base_url: "http://coze.invalid", token: "{{token}}-3", proxy: "{{downProxy}}" }""")
            .Append($$"""{ id: oauth, upstream: coze, base_url: "{{url}}/oauth", oauth: { app_id: "11", key_id: k, private_key_file: "{{oauthKeyFile}}" } }""")
            .Append($$"""{ id: discord, upstream: discord, base_url: "{{url}}/discord", token: "{{secrets["the token of a Discord account"]}}" }""");
        accounts = accounts.Concat(LanguageModels.Select(model =>
            $$"""{ id: {{model}}, upstream: {{UpstreamOf(model)}}, base_url: "{{url}}/{{model}}", token: "{{KeyOf(model)}}" }"""));
        accounts = accounts.Concat(OwnKeyModels.Select(model =>
            $$"""{ id: {{model}}, upstream: {{UpstreamOf(model)}}, base_url: "{{url}}/{{model}}", credentials: request }"""));
        string[] languageModels = [.. LanguageModels, .. OwnKeyModels];
        var bots = Models.Where(model => model != "discord" && !languageModels.Contains(model))
            .Select(model => $$"""{ id: {{model}}, upstream: coze, bot_id: "{{Bots.One}}", accounts: [{{model}}] }""")
            .Append("{ id: discord, upstream: discord, bot_id: \"1000000000000000031\", accounts: [discord], options: { listener: ear, channel: fixed, "
                + "channel_id: \"1000000000000000051\" }, timeouts: { first_byte: 5s } }")
            .Concat(languageModels.Select(model => $$"""{ id: {{model}}, upstream: {{UpstreamOf(model)}}, bot_id: "some-model", accounts: [{{model}}] }"""))
            .Concat(EmbeddingModels.Select(model =>
                $$"""{ id: {{model}}, upstream: openai, bot_id: "some-model", accounts: [{{AccountOf(model)}}], task: embeddings }"""));
        return $$"""
            tenants:
              - id: main
                keys: [{ name: app, key: "{{secrets["the key of a tenant"]}}" }, { name: ops, key: "{{secrets["the key of the operators"]}}", admin: true }]
            notifications:
              webhook: { url: "{{url}}/webhook", secret: "{{secrets["the secret of a webhook"]}}" }
            listeners:
              - { id: ear, base_url: "{{url}}/discord", guild_id: "1000000000000000001", token: "{{secrets["the token of a listener"]}}" }
            accounts:
            {{Lines(accounts)}}
            bots:
            {{Lines(bots)}}
            models:
            {{Lines(Models.Concat(EmbeddingModels).Select(model => $"{{ id: {model}, bots: [{model}] }}"))}}
            """;

        string KeyOf(string model) => secrets[$"the key of {UpstreamOf(model)}"];
    }

    private static string AccountOf(string embeddingModel) => embeddingModel[..embeddingModel.LastIndexOf('-')];

    private static string UpstreamOf(string model) => model.Split('-')[0];

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines.Select(line => $"  - {line}"));

    /// <summary>Answers with everything that the request contains.</summary>
    private static async Task Repeat(HttpContext context, Channel<string> notifications)
    {
        var request = context.Request;
        var isProxied = request.Host.Host == "coze.invalid";
        if (isProxied && request.Headers["Proxy-Authorization"].Count == 0)
        {
            context.Response.StatusCode = StatusCodes.Status407ProxyAuthenticationRequired;
            context.Response.Headers.ProxyAuthenticate = "Basic realm=\"proxy\"";
            return;
        }
        using var body = new StreamReader(request.Body);
        // The keys first, because the node cuts long texts.
        var headers = request.Headers.OrderBy(header => !IsKey(header.Key));
        var heard = string.Join(", ", headers.Select(header => $"{header.Key}: {header.Value}")) + " ";
        var content = await body.ReadToEndAsync();
        heard += content;
        var token = request.Headers.Authorization.ToString().Split(' ')[^1];
        if (token.Length == 0) token = request.Headers.FirstOrDefault(header => IsKey(header.Key)).Value.ToString();
        foreach (var name in (string[])["x-tt-logid", "x-request-id", "request-id"]) context.Response.Headers[name] = token;
        var error = new JsonObject
        {
            ["code"] = 4000, ["msg"] = heard, ["message"] = heard, ["error_message"] = heard, ["detail"] = new JsonObject { ["logid"] = token },
        };
        var kind = request.Path.Value!.Split('/')[1];
        if (kind == "webhook") notifications.Writer.TryWrite(content);
        (context.Response.StatusCode, context.Response.ContentType) = kind switch
        {
            "refusal-401" or "discord" or "oauth" => (401, "application/json"),
            "page" => (502, "text/html"),
            "stream-error" or "failed-chat" => (200, "text/event-stream"),
            "webhook" => (500, "text/plain"),
            _ when kind.EndsWith("-refusal", StringComparison.Ordinal) => (400, "application/json"),
            _ when kind.EndsWith("-page", StringComparison.Ordinal) => (502, "text/html"),
            _ when kind.EndsWith("-stream", StringComparison.Ordinal) => (200, "text/event-stream"),
            _ => (200, "application/json"),
        };
        await context.Response.WriteAsync(kind switch
        {
            "page" => $"<html>{heard}</html>",
            "stream-error" => $"event:error\ndata:{error.ToJsonString()}\n\n",
            "failed-chat" => $"event:conversation.chat.failed\ndata:{new JsonObject { ["id"] = "h1", ["last_error"] = error }.ToJsonString()}\n\n",
            _ when kind.EndsWith("-refusal", StringComparison.Ordinal) => ModelError(heard).ToJsonString(),
            _ when kind.EndsWith("-page", StringComparison.Ordinal) => $"<html>{heard}</html>",
            _ when kind.EndsWith("-stream", StringComparison.Ordinal) => $"event: error\ndata: {ModelError(heard).ToJsonString()}\n\n",
            _ => error.ToJsonString(),
        });
    }

    private static bool IsKey(string header) =>
        header.EndsWith("Authorization", StringComparison.OrdinalIgnoreCase) || header.EndsWith("api-key", StringComparison.OrdinalIgnoreCase);

    // The form that all three upstreams understand.
    private static JsonObject ModelError(string heard) => new()
    {
        ["type"] = "error",
        ["error"] = new JsonObject { ["message"] = heard, ["type"] = heard, ["code"] = heard, ["status"] = heard, ["param"] = heard },
        ["request_id"] = heard,
    };
}
