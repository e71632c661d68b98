using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>A node with two tenants. One is the victim: it has conversations, turns and files. The other one knows the ids of all of them.</summary>
public sealed class TenantsFixture : IAsyncLifetime
{
    /// <summary>In every text that belongs to the victim.</summary>
    public const string Canary = "canary-of-the-victim";

    private SandboxNode? _node;
    private string _data = "";
    private OpenReply? _running;

    internal HttpClient Http => _node!.Http;

    internal string Log => _node!.Node.Output;

    /// <summary>The ids of the victim.</summary>
    internal Ids Victim { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await SandboxNode.StartAsync((sandbox, folder) =>
        {
            _data = Path.Combine(folder.Path, "data");
            var coze = new Uri(sandbox.BaseUrl, "coze");
            return new TestFleet()
                .AddAccount("victim", coze, "pat_sandbox").AddBot("victim", Bots.One, "victim").AddModel("victim", "victim", "tenants: [main]")
                .AddAccount("attacker", coze, "pat_sandbox").AddBot("attacker", Bots.One, "attacker").AddModel("attacker", "attacker")
                .AddLanguageModel("unused", "openai", new Uri(sandbox.BaseUrl, "openai/v1"), "m", "sk-unused").AddModel("unused", "unused", "tenants: [main]")
                + "\nendpoints: [{ id: aiproxy, path: /aiproxy, compat: aiproxy, options: { openai_account: unused, tenants: main } }]";
        });
        Victim = await CreateVictimAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null) await _running.DisposeAsync();
        if (_node is not null) await _node.DisposeAsync();
    }

    /// <summary>What the victim sees of everything that it has. Attacks must not change it.</summary>
    internal async Task<string> ReadVictimAsync()
    {
        var texts = new List<string>();
        foreach (var id in new[] { Victim.TurnId, Victim.NamedTurnId, Victim.RunningTurnId })
        {
            var turn = await Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{id}");
            Assert.Equal(200, turn.Status);
            texts.Add($"{id} {turn.Json.Text("status")}");
        }
        var conversation = await Http.RequestJsonAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{Victim.Conversation}");
        texts.Add(conversation.Json.GetRawText());
        var list = await Http.RequestJsonAsync(HttpMethod.Get, "/cozecluster/v1/conversations?limit=100");
        texts.Add(list.Json.GetRawText());
        return string.Join('\n', texts);
    }

    private async Task<Ids> CreateVictimAsync()
    {
        var (conversation, key) = ($"talk-{Guid.NewGuid():n}", $"key-{Guid.NewGuid():n}");
        var turn = await Request($"say={Canary}-reply").WithHeader("idempotency-key", key).StreamAsync();
        var named = await Request($"say={Canary}-reply").InConversation(conversation).StreamAsync();
        await Http.RequestJsonAsync(
            HttpMethod.Post, $"/cozecluster/v1/conversations/{conversation}", body: new JsonObject { ["title"] = $"{Canary}-title" });
        var call = await Request("requires_action").CompleteAsync();
        var file = Request("say=read").With(body => body["messages"]![1]!["content"]!.ReplaceWith(new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = "Read. [[say=read]]" },
            new JsonObject
            {
                ["type"] = "file",
                ["file"] = new JsonObject
                {
                    ["filename"] = "notes.txt", ["file_data"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{Canary}-file")),
                },
            })));
        Assert.Equal(200, (await file.CompleteAsync()).Status);
        _running = await Request("chunks=100000 pace=200ms").OpenStreamAsync();
        await _running.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);

        var blob = Assert.Single(Directory.EnumerateFiles(Path.Combine(_data, "blobs"), "*", SearchOption.AllDirectories));
        return new Ids
        {
            Conversation = conversation,
            IdempotencyKey = key,
            TurnId = turn.TurnId,
            NamedTurnId = named.TurnId,
            RunningTurnId = _running.Reply.TurnId,
            ToolCallId = call.Message.GetProperty("tool_calls")[0].Text("id")!,
            Cursor = turn.Cursor!,
            BlobId = $"{Path.GetFileName(Path.GetDirectoryName(blob))}.{Path.GetFileName(blob)}",
            Model = "victim",
        };
    }

    private ChatRequest Request(string directives) => new ChatRequest(Http, _node!.Sandbox.Coze, "victim", $"{directives}").With(
        body => body["messages"]!.AsArray().Insert(0, new JsonObject { ["role"] = "system", ["content"] = $"{Canary}-instructions" }));
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(TenantsNode))]
public sealed class TenantsNode : ICollectionFixture<TenantsFixture>;
