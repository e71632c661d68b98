using System.ClientModel;
using System.Text.Json;
using CozeCluster.EndToEnd.Tests.Sdk;
using CozeCluster.Sandbox;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>A node without a fleet file: everything is made and changed through the admin API, and seen by clients that run.</summary>
public sealed class ManagedFleetTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private AdminClient _owner = null!;
    private string _key = "";

    private Uri Coze => new(_sandbox.BaseUrl, "coze");

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        _node = await Nodes.StartAsync(_folder.Path, ["--start-grace", "60s"]);
        _owner = await AdminClient.OwnerOf(_node);
        _key = await _owner.MakeChat(Coze, "acme", Bots.One);
    }

    public async ValueTask DisposeAsync()
    {
        _owner?.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_client_chats_through_what_was_made_and_sees_each_change()
    {
        var client = Client(_key);
        Assert.Equal("one", await client.CompleteChatStreamingAsync("[[say=one]]").TextAsync());

        // Another bot. Other processes of a cluster see a change within a second.
        await _owner.Change("/bots/acme", $$"""{"bot_id": "{{Bots.Two}}"}""");
        await Until(async () => await Text(client, "two") == "two" && _sandbox.Coze.Chats[^1].BotId == Bots.Two);

        // A price, and a budget that it uses up.
        await _owner.Change("/tenants/acme/keys/app", """{"limits": {"monthly": {"credits": 1.5}}}""");
        await _owner.Change("/models/acme", """{"price": {"input": 0, "output": 0, "request": 1}}""");
        await Until(async () => await Text(client, "three") == "429 insufficient_quota");

        // No budget, and a new key beside the old one.
        await _owner.Change("/tenants/acme/keys/app", """{"limits": null}""");
        var rotated = await _owner.Send("POST", "/tenants/acme/keys/app/rotate?overlap=1h", ifMatch: "*");
        await Until(async () => await Text(client, "five") == "five");
        var successor = Client(rotated.Body["key"]!.GetValue<string>());
        await Until(async () => await Text(successor, "six") == "six");
    }

    [Fact]
    public async Task A_revoked_key_ends_its_reply_and_is_refused()
    {
        using var http = HttpRequests.CreateClient(_node.BaseUrl);
        var request = new ChatRequest(http, _sandbox.Coze, "acme", "pace=50ms chunks=2000") { Key = _key };
        await using var stream = await request.OpenStreamAsync();
        await stream.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);

        Assert.Equal(200, (await _owner.Send("DELETE", "/tenants/acme/keys/app", ifMatch: "*")).Status);

        Assert.Equal(JsonValueKind.Object, (await stream.ReadAllAsync(TestTimeout.Token)).Error.ValueKind);
        Assert.Equal(401, (await new ChatRequest(http, _sandbox.Coze, "acme", "") { Key = _key }.CompleteAsync()).Status);
    }

    [Fact]
    public async Task Of_two_changes_of_one_version_one_is_refused()
    {
        var (_, tag, item) = await _owner.Send("GET", "/bots/acme");
        Assert.Equal("api", item["origin"]!.GetValue<string>());

        var first = await _owner.Send("PATCH", "/bots/acme", """{"max_concurrent_turns": 2}""", tag);
        var second = await _owner.Send("PATCH", "/bots/acme", """{"max_concurrent_turns": 3}""", tag);
        var without = await _owner.Send("PATCH", "/bots/acme", """{"max_concurrent_turns": 3}""");

        Assert.Equal((200, 412, 428), (first.Status, second.Status, without.Status));
        Assert.Equal(2, (await _owner.Send("GET", "/bots/acme")).Body["content"]!["max_concurrent_turns"]!.GetValue<int>());
    }

    [Fact]
    public async Task An_invalid_change_names_its_field()
    {
        var answer = await _owner.Send("PATCH", "/bots/acme", """{"accounts": ["nobody"]}""", "*");

        Assert.Equal((400, "accounts[0]"), (answer.Status, answer.Body["field"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_tenant_admin_manages_the_keys_of_its_tenant_only()
    {
        var key = await _owner.MakeKey("acme", """{"name": "their admin", "role": "tenant_admin"}""");
        using var admin = new AdminClient(_node.BaseUrl, key);

        var made = await admin.MakeKey("acme", """{"name": "second"}""");

        Assert.Equal("hi", await Client(made).CompleteChatStreamingAsync("[[say=hi]]").TextAsync());
        Assert.Equal(403, (await admin.Send("POST", "/tenants/acme/keys", """{"name": "x", "role": "owner"}""")).Status);
        Assert.Equal(404, (await admin.Send("POST", "/tenants/admin/keys", """{"name": "x"}""")).Status);
        Assert.Equal(403, (await admin.Send("GET", "/bots/acme")).Status);
        Assert.Equal(403, (await admin.Send("DELETE", "/tenants/acme/keys/their%20admin", ifMatch: "*")).Status);
    }

    [Fact]
    public async Task The_export_has_no_secrets_and_its_import_changes_nothing()
    {
        var (_, tag, export) = await _owner.Send("GET", "");
        Assert.DoesNotContain("pat_sandbox", export.ToJsonString(), StringComparison.Ordinal);

        var import = await _owner.Send("POST", "/import", export.ToJsonString(), tag);

        Assert.Equal((200, 0), (import.Status, import.Body["differences"]?.AsArray().Count));
        Assert.Contains("pat_sandbox", (await _owner.Send("GET", "?secrets=true")).Body.ToJsonString(), StringComparison.Ordinal);
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition()) await Task.Delay(100, TestTimeout.Token);
    }

    /// <summary>The reply of a stream, or the status and the code of its error.</summary>
    private static async Task<string> Text(ChatClient client, string reply)
    {
        try
        {
            return await client.CompleteChatStreamingAsync($"[[say={reply}]]").TextAsync();
        }
        catch (ClientResultException exception)
        {
            var isQuota = exception.Message.Contains("insufficient_quota", StringComparison.Ordinal);
            return $"{exception.Status} {(isQuota ? "insufficient_quota" : exception.Message)}";
        }
    }

    private ChatClient Client(string key) => new("acme", new ApiKeyCredential(key), SdkClient.Options(_node.BaseUrl));
}
