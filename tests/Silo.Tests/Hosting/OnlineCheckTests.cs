using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Tests.Fleets;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Hosting;

/// <summary>What <c>check --online</c> finds at the fake upstreams.</summary>
public sealed class OnlineCheckTests : IAsyncLifetime
{
    private static readonly string Guild = DiscordSeeds.Guilds[0].Id;
    private static readonly string Account = DiscordSeeds.Accounts[0].Id;
    private static readonly string Listener = DiscordSeeds.Listeners[0].Id;

    private SandboxServer _sandbox = null!;

    public async ValueTask InitializeAsync() =>
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _sandbox.DisposeAsync();

    [Fact]
    public async Task Run_EverythingIsRight_SucceedsWithALineForEachQuestion()
    {
        var (code, lines) = await Run(Fleet());

        Assert.Equal(
            [
                "OK: bot 'one' with account 'coze': The token is valid, and the bot is published.",
                "OK: bot 'gpt' with account 'openai': The key is valid, and the server lists the model 'gpt-sandbox'.",
                "OK: bot 'claude' with account 'claude': The key is valid, and the server has the model 'claude-sonnet-4-5'.",
                "OK: bot 'gemini' with account 'gemini': The key is valid, and the server has the model 'gemini-2.5-flash'.",
                "OK: listener 'ear': The token is valid, and the listener is in its server, with the permissions that it needs.",
                "OK: intents of listener 'ear': The message content intent is on.",
                $"OK: bot 'hosted': It is in the server {Guild}.",
                $"OK: account 'writer' in server {Guild}: The token is valid, and the account may send.",
                "The upstreams were asked: 8 ok, 0 not known, 0 problems.",
            ],
            lines);
        Assert.Equal(ExitCodes.Success, code);
        Assert.Empty(_sandbox.Discord.Records.Of(DiscordRecordKind.MessageCreated));
    }

    [Theory]
    [InlineData("token: pat_sandbox }", "token: pat_wrong_secret }", "Problem: bot 'one' with account 'coze': Coze says: ", "Give account 'coze'")]
    [InlineData("7350000000000000001", "7350000000000000009", "Problem: bot 'one' with account 'coze': Coze says: ", "Publish the bot in Coze")]
    [InlineData("7350000000000000001", "7350000000000000077", "Problem: bot 'one' with account 'coze': Coze says: ", "Correct 'bot_id'")]
    [InlineData("bot_id: gpt-sandbox", "bot_id: other-model", "Problem: bot 'gpt' with account 'openai': ", "It lists 1: gpt-sandbox.")]
    [InlineData("claude-sonnet-4-5", "claude-nothing", "Problem: bot 'claude' with account 'claude': The server has no model 'claude-nothing'.", "")]
    [InlineData("gemini-2.5-flash", "gemini-nothing", "Problem: bot 'gemini' with account 'gemini': The server has no model 'gemini-nothing'.", "")]
    [InlineData("sk-ant-sandbox", "sk-ant-wrong_secret", "Problem: bot 'claude' with account 'claude': The server refuses the key (HTTP 401)", "")]
    [InlineData("gemini-sandbox-key", "gemini-wrong_secret", "Problem: bot 'gemini' with account 'gemini': The server refuses the key (HTTP 400)", "")]
    [InlineData("sk-openai-sandbox-1234567890", "sk-openai-wrong_secret",
        "Problem: bot 'gpt' with account 'openai': The server refuses the key (HTTP 401)", "")]
    [InlineData("sandbox-account-1", "wrong_secret", "Problem: account 'writer' in server ", "Discord rejected the account's token")]
    [InlineData("1000000000000000031", "1000000000000000099", "Problem: bot 'hosted': The user 1000000000000000099 is not in the server ", "")]
    public async Task Run_OneMistake_FailsWithTheProblemAndWhatToDo(string right, string wrong, string problem, string advice)
    {
        var fleet = Fleet();
        Assert.Contains(right, fleet, StringComparison.Ordinal);

        var (code, lines) = await Run(fleet.Replace(right, wrong, StringComparison.Ordinal));

        var line = Assert.Single(lines, line => line.StartsWith("Problem", StringComparison.Ordinal));
        Assert.StartsWith(problem, line, StringComparison.Ordinal);
        Assert.Contains(advice, line, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.DoesNotContain("wrong_secret", string.Concat(lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TokenThatMayOnlyChat_IsNotKnown()
    {
        var (code, lines) = await Run(Fleet().Replace("token: pat_sandbox }", "token: pat_sandbox_chat_only }", StringComparison.Ordinal));

        Assert.Contains("getMetadata", Assert.Single(lines, line => line.StartsWith("Not known: ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, code);
    }

    [Fact]
    public async Task Run_AccountIsNoMember_NamesTheServer()
    {
        _sandbox.Discord.SetMembership(Account, Guild, isMember: false);

        Assert.Equal(
            $"Problem: account 'writer' in server {Guild}: The token is valid, but the account is not a member of the server {Guild}. "
            + "Let it join the server of listener 'ear'.",
            await OnlyProblem());
    }

    [Fact]
    public async Task Run_ListenerIsNoMember_DoesNotBlameTheBot()
    {
        _sandbox.Discord.SetMembership(Listener, Guild, isMember: false);

        Assert.StartsWith(
            $"Problem: listener 'ear': The token is valid, but the listener is not in the server {Guild}.", await OnlyProblem(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_IntentIsOff_SaysWhereToSwitchItOn()
    {
        _sandbox.Discord.SetPrivilegedIntents(Listener, Intents.None);

        Assert.Equal(
            "Problem: intents of listener 'ear': The message content intent is off. Switch it on in Discord's developer portal, under Bot.",
            await OnlyProblem());
    }

    [Fact]
    public async Task Run_ListenerWithoutPermissions_NamesThem()
    {
        // An ordinary member of the server, which may not manage channels.
        var line = await OnlyProblem(Fleet().Replace("token: sandbox-listener-1", "token: sandbox-coze-bot-2", StringComparison.Ordinal));

        Assert.Equal(
            $"Problem: listener 'ear': The listener lacks permissions in the server {Guild}: Manage Channels. "
            + "Give them to its role in the settings of the server.",
            line);
    }

    [Fact]
    public async Task Run_NoAnswer_EndsAfterTenSeconds()
    {
        var time = new ManualTime();
        var asked = new TaskCompletionSource();
        var question = new ProbeQuestion("bot 'slow'", async stop =>
        {
            var never = new TaskCompletionSource<ProbeFinding>();
            await using var registration = stop.Register(() => never.TrySetCanceled(stop));
            asked.SetResult();
            return await never.Task;
        });
        await using var output = new StringWriter();

        var run = OnlineCheck.Run([question], time, output);
        await asked.Task;
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(ExitCodes.Failure, await run);
        Assert.StartsWith("Problem: bot 'slow': There was no answer within 10 s.", output.ToString(), StringComparison.Ordinal);
    }

    private async Task<string> OnlyProblem(string? fleet = null)
    {
        var (code, lines) = await Run(fleet ?? Fleet());
        Assert.Equal(ExitCodes.Failure, code);
        return Assert.Single(lines, line => line.StartsWith("Problem", StringComparison.Ordinal));
    }

    private static async Task<(int Code, string[] Lines)> Run(string fleet)
    {
        var result = SampleFleet.Read(fleet);
        Assert.Empty(result.Problems);
        await using var output = new StringWriter();
        var code = await OnlineCheck.Run(result.File!, output);
        return (code, output.ToString().ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'));
    }

    private string Fleet() => $$"""
        allow_user_accounts: true
        tenants:
          - id: acme
            keys: [{ name: app, key: key-of-acme }]
        listeners:
          - { id: ear, guild_id: "{{Guild}}", base_url: "{{_sandbox.BaseUrl}}discord/api/v10", token: sandbox-listener-1 }
        accounts:
          - { id: coze, upstream: coze, base_url: "{{_sandbox.BaseUrl}}coze", token: pat_sandbox }
          - { id: openai, upstream: openai, base_url: "{{_sandbox.BaseUrl}}openai/v1", token: sk-openai-sandbox-1234567890 }
          - { id: claude, upstream: claude, base_url: "{{_sandbox.BaseUrl}}claude", token: sk-ant-sandbox }
          - { id: gemini, upstream: gemini, base_url: "{{_sandbox.BaseUrl}}gemini", token: gemini-sandbox-key }
          - { id: writer, upstream: discord, base_url: "{{_sandbox.BaseUrl}}discord/api/v10", token: sandbox-account-1, options: { kind: user } }
        bots:
          - { id: one, upstream: coze, bot_id: "7350000000000000001", accounts: [coze] }
          - { id: gpt, upstream: openai, bot_id: gpt-sandbox, accounts: [openai] }
          - { id: claude, upstream: claude, bot_id: claude-sonnet-4-5, accounts: [claude] }
          - { id: gemini, upstream: gemini, bot_id: gemini-2.5-flash, accounts: [gemini] }
          - { id: hosted, upstream: discord, bot_id: "1000000000000000031", accounts: [writer], options: { listener: ear } }
        models:
          - { id: m, bots: [one, gpt, claude, gemini, hosted] }
        """;
}
