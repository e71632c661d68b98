using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

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
            var discord = new Uri(sandbox.BaseUrl, "discord/api/v10");
            return new TestFleet()
                .AddAccount("victim", coze, "pat_sandbox").AddBot("victim", Bots.One, "victim").AddModel("victim", "victim", "tenants: [main]")
                .AddAccount("attacker", coze, "pat_sandbox").AddBot("attacker", Bots.One, "attacker").AddModel("attacker", "attacker")
                .AddDiscordBot("victim-discord", discord, DiscordSeeds.CozeBots[0].Id, DiscordSeeds.Accounts[0].Token, "ear")
                .AddModel("victim-discord", "victim-discord", "tenants: [main]")
                .AddDiscordBot("attacker-discord", discord, DiscordSeeds.CozeBots[1].Id, DiscordSeeds.Accounts[1].Token, "ear")
                .AddModel("attacker-discord", "attacker-discord", "tenants: [other]")
                .AddLanguageModel("unused", "openai", new Uri(sandbox.BaseUrl, "openai/v1"), "m", "sk-unused").AddModel("unused", "unused", "tenants: [main]")
                .ToString() + $$"""

                allow_user_accounts: true
                listeners: [{ id: ear, base_url: "{{discord}}", guild_id: {{DiscordSeeds.Guilds[0].Id}}, token: {{DiscordSeeds.Listeners[0].Token}} }]
                endpoints:
                  - { id: cdp, path: /cdp, compat: cdp }
                  - { id: ccp, path: /ccp, compat: ccp }
                  - { id: cdb, path: /cdb, compat: cdb, options: { default_model: attacker } }
                  - { id: rca, path: /rca, compat: rca, options: { model: attacker } }
                  - { id: aiproxy, path: /aiproxy, compat: aiproxy, options: { openai_account: unused, tenants: main } }
                """;
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
        texts.AddRange(_node!.Sandbox.Discord.ChannelsOf(DiscordSeeds.Guilds[0].Id).Where(channel => channel.Name == "victim").Select(channel => channel.Id));
        var list = await Http.RequestJsonAsync(HttpMethod.Get, "/cozecluster/v1/conversations?limit=100");
        texts.Add(list.Json.GetRawText());
        var bridge = await Http.RequestJsonAsync(HttpMethod.Get, "/cdb/api/GetConversations");
        texts.Add(bridge.Json.GetRawText());
        return string.Join('\n', texts);
    }

    private async Task<Ids> CreateVictimAsync()
    {
        var (conversation, key) = ($"talk-{Guid.NewGuid():n}", $"key-{Guid.NewGuid():n}");
        var turn = await Request($"say={Canary}-reply").WithHeader("idempotency-key", key).StreamAsync();
        var named = await Request($"say={Canary}-reply").InConversation(conversation).StreamAsync();
        await Http.RequestJsonAsync(
            HttpMethod.Post, $"/cozecluster/v1/conversations/{conversation}", body: new JsonObject { ["title"] = $"{Canary}-title" });
        var bridge = await Http.RequestJsonAsync(HttpMethod.Post, "/cdb/api/CreateConversation", body: new JsonObject { ["name"] = conversation });
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

        using var channel = await Http.RequestAsync(
            HttpMethod.Post, "/cdp/api/channel/create", key: null, new JsonObject { ["name"] = "victim" },
            new Dictionary<string, string> { ["proxy-secret"] = TestFleet.Key }, TestTimeout.Token);
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
            TenantId = "main",
            ChannelId = (await ApiResponse.ReadAsync(channel)).Json.GetProperty("data").Text("id")!,
            BridgeId = bridge.Json.GetProperty("data").Text("conversation_id")!,
        };
    }

    private ChatRequest Request(string directives) => new ChatRequest(Http, _node!.Sandbox.Coze, "victim", $"{directives}").With(
        body => body["messages"]!.AsArray().Insert(0, new JsonObject { ["role"] = "system", ["content"] = $"{Canary}-instructions" }));
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(TenantsNode))]
public sealed class TenantsNode : ICollectionFixture<TenantsFixture>;
