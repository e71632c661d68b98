using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>Clients that bring their own key of OpenAI, Claude or Gemini.</summary>
public sealed class OwnKeyTests(OwnKeyNode node) : IClassFixture<OwnKeyNode>
{
    private const string Wrong = "sk-wrong-canary-0123456789";

    public static TheoryData<string, string> Keys => new()
    {
        { "own", $"openai {FakeOpenAi.OwnToken}" }, { "own-claude", $"claude {FakeClaude.Key}" }, { "own-gemini", $"gemini {FakeGemini.Key}" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task The_key_reaches_the_upstream(string model, string key)
    {
        var request = node.NewRequest(key, model, "chunks=3");
        var reply = await request.StreamAsync();
        Assert.True(reply.IsDone);
        Assert.NotEmpty(reply.Text);
        if (model == "own") Assert.Contains(node.Fake.Completions, completion => completion.Token == FakeOpenAi.OwnToken && completion.Reply == reply.Text);
    }

    [Theory]
    [InlineData("own", "openai")]
    [InlineData("own-claude", "claude")]
    [InlineData("own-gemini", "gemini")]
    [InlineData("own-chain", "openai")]
    public async Task A_wrong_key_is_the_fault_of_its_client_only(string model, string upstream)
    {
        for (var i = 0; i < 6; i++)
        {
            var wrong = await node.NewRequest($"{upstream} {Wrong}", model).CompleteAsync();
            Assert.Equal((401, "upstream_credential_refused", "invalid_request_error"), (wrong.Status, wrong.Error.Text("code"), wrong.Error.Text("type")));
            Assert.DoesNotContain("canary", wrong.Json.ToString(), StringComparison.Ordinal);
        }
        var key = upstream switch { "openai" => FakeOpenAi.OwnToken, "claude" => FakeClaude.Key, _ => FakeGemini.Key };
        var other = node.NewRequest($"{upstream} {key}", model);
        other.Key = TestFleet.OtherKey;
        Assert.Equal(200, (await other.CompleteAsync()).Status);
    }

    [Fact]
    public async Task The_limits_of_a_key_are_those_of_its_client()
    {
        var poor = await node.NewRequest($"openai {FakeOpenAi.TokenWithoutCredit}", "own-chain").CompleteAsync();
        Assert.Equal((429, "insufficient_quota"), (poor.Status, poor.Error.Text("code")));
        Assert.Equal(200, (await node.NewRequest($"openai {FakeOpenAi.OwnToken}", "own-chain").CompleteAsync()).Status);
    }

    [Fact]
    public async Task The_fallback_uses_its_own_token()
    {
        await using var alone = new OwnKeyNode();
        await alone.InitializeAsync();
        alone.Fake.Script("early_error=503");
        var reply = await alone.NewRequest($"openai {FakeOpenAi.OwnToken}", "own-chain").CompleteAsync();
        Assert.Equal((200, "sonnet"), (reply.Status, reply.Extension.GetProperty("origin").Text("bot")));
        Assert.Single(alone.Node.Sandbox.Claude.Messages);
    }

    [Theory]
    [InlineData("own", null)]
    [InlineData("own", "claude " + FakeOpenAi.OwnToken)]
    [InlineData("gpt", "openai " + FakeOpenAi.OwnToken)]
    [InlineData("bot", "openai " + FakeOpenAi.OwnToken)]
    public async Task A_key_that_cannot_be_used_or_is_missing_is_a_400_that_names_the_header(string model, string? key)
    {
        var reply = await node.NewRequest(key, model).CompleteAsync();
        Assert.Equal((400, "x-upstream-authorization"), (reply.Status, reply.Error.Text("param")));
    }

    [Fact]
    public async Task Nothing_keeps_the_key()
    {
        await using var alone = new OwnKeyNode();
        await alone.InitializeAsync();
        var name = $"talk-{Guid.NewGuid():n}";
        Assert.Equal(200, (await alone.NewRequest($"openai {FakeOpenAi.OwnToken}").InConversation(name).CompleteAsync()).Status);
        await alone.NewRequest($"openai {Wrong}").InConversation(name).CompleteAsync();
        // Killed while a turn runs.
        var slow = alone.NewRequest($"openai {FakeOpenAi.OwnToken}", directives: "chunks=900 pace=50ms").InConversation(name);
        await using var open = await slow.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        await alone.Node.CrashAsync();

        var files = Directory.GetFiles(alone.Folder, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal));
        foreach (var file in files)
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var content = new MemoryStream();
            await stream.CopyToAsync(content, TestTimeout.Token);
            var text = System.Text.Encoding.Latin1.GetString(content.ToArray());
            Assert.DoesNotContain(FakeOpenAi.OwnToken, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Wrong, text, StringComparison.Ordinal);
        }
        Assert.DoesNotContain(FakeOpenAi.OwnToken, alone.Node.Node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Wrong, alone.Node.Node.Output, StringComparison.Ordinal);
    }
}
