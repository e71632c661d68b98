using CozeCluster.Security.Tests.Floods;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Security.Tests.Upstreams;

/// <summary>A node with a small heap, and a server that plays Coze and answers each model with the hostile reply of its name.</summary>
public sealed class HostileCozeFixture : IAsyncLifetime
{
    /// <summary>A model whose replies are sound.</summary>
    internal const string SoundModel = "sound";

    private readonly List<string> _names = [.. HostileReplies.All.Keys];
    private Trap? _coze;
    private Trap? _other;
    private SandboxNode? _node;

    internal HttpClient Http => _node!.Http;

    internal string Log => _node!.Node.Output;

    /// <summary>A server to which Coze redirects. It must receive nothing.</summary>
    internal Trap Other => _other!;

    /// <summary>The model whose replies are those of a name.</summary>
    internal string ModelOf(string name) => $"hostile-{_names.IndexOf(name)}";

    public async ValueTask InitializeAsync()
    {
        _other = await Trap.StartAsync();
        _coze = await Trap.StartAsync(AnswerAsync);
        _node = await SandboxNode.StartAsync(
            (sandbox, _) =>
            {
                var fleet = new TestFleet().AddIsolatedModel(SoundModel, new Uri(sandbox.BaseUrl, "coze"));
                for (var number = 0; number < _names.Count; number++)
                    fleet.AddIsolatedModel($"hostile-{number}", new Uri(_coze.Url, $"{number}"), "timeouts: { first_byte: 3s, idle: 3s, total: 8s }");
                foreach (var status in new[] { 301, 302, 307, 308 }) fleet.AddIsolatedModel($"redirect-{status}", new Uri(_coze.Url, $"redirect-{status}"));
                return fleet.ToString();
            },
            arguments: ["--start-grace", "60s", "--max-attempts", "1"],
            environment: new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = SmallNodeFixture.HeapLimit, ["DOTNET_gcServer"] = "0" });
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_coze is not null) await _coze.DisposeAsync();
        if (_other is not null) await _other.DisposeAsync();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var parts = context.Request.Path.Value!.Split('/', 3);
        var (name, path) = (parts[1], parts[2]);
        if (name.StartsWith("redirect-", StringComparison.Ordinal))
        {
            context.Response.StatusCode = int.Parse(name["redirect-".Length..]);
            context.Response.Headers.Location = _other!.Url.ToString();
            return Task.CompletedTask;
        }
        if (path == "v3/chat") return HostileReplies.All[_names[int.Parse(name)]].Answer(context);
        // A reply that was lost is read again: its chat is unknown here, and cannot be cancelled.
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync("""{"code":4200,"msg":"There is no such chat."}""");
    }
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(HostileCoze))]
public sealed class HostileCoze : ICollectionFixture<HostileCozeFixture>;
