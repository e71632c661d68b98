using CozeCluster.Grains.Testing;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>What a language model receives: the whole history, with the ids of calls that it gave itself.</summary>
public sealed class ModelPromptTests
{
    private static readonly Lease Lease = new(
        "l", new BotDefinition { Id = "b1", Upstream = "openai", UpstreamBotId = "m", Accounts = ["a1"] },
        new AccountDefinition { Id = "a1", Upstream = "openai", BaseUrl = "http://x" });

    private readonly string _turnId = TestIds.Ids.NewTurn("t", "talk");

    [Fact]
    public void Build_ClientSendsTheHistory_SendsItWithTheUpstreamsIds()
    {
        var (call, lost) = (ToolCallIds.Of(_turnId, 0), ToolCallIds.Of(TestIds.Ids.NewTurn("t", "talk"), 0));
        var messages = Build([User("Hi"), Calls(lost), Result(lost), Calls(call), Result(call)], [], Ids("openai"));

        Assert.Equal(5, messages.Count);
        Assert.Equal("up-1", Assert.Single(messages[3].ToolCalls).Id);
        Assert.Equal("up-1", messages[4].ToolCallId);
        Assert.Equal(Assert.Single(messages[1].ToolCalls).Id, messages[2].ToolCallId);
        Assert.InRange(messages[2].ToolCallId!.Length, 1, 40);
    }

    [Fact]
    public void Build_CallsOfAnotherUpstream_GetShortIds()
    {
        var call = ToolCallIds.Of(_turnId, 0);
        var messages = Build([Calls(call), Result(call)], [], Ids("gemini"));
        Assert.InRange(messages[1].ToolCallId!.Length, 1, 40);
        Assert.NotEqual("up-1", messages[1].ToolCallId);
    }

    [Fact]
    public void Build_OnlyNewMessages_AddsTheStoredHistoryWithItsInstructionsAndCalls()
    {
        var past = new PastTurn([System("Be brief"), User("Hi")], "Hm") { TurnId = _turnId, Upstream = "openai", Calls = [new("up-1", "f", "{}", true)] };
        var messages = Build([Result(ToolCallIds.Of(_turnId, 0))], [past], Ids("openai"));

        Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool], messages.Select(message => message.Role));
        Assert.Equal(("Hm", "up-1", "up-1"), (messages[2].Text, Assert.Single(messages[2].ToolCalls).Id, messages[3].ToolCallId));
    }

    [Fact]
    public void Build_ReasoningBeforeCalls_IsThatOfTheClientOrTheStoredOne()
    {
        var call = ToolCallIds.Of(_turnId, 0);
        var past = new PastTurn([User("Hi")], "") { TurnId = _turnId, Upstream = "openai", Calls = [new("up-1", "f", "{}", true)], Reasoning = "Hm" };
        Assert.Equal("Hm", Build([Result(call)], [past], Ids("openai"))[1].Reasoning);

        // Clients that send the history may have dropped it.
        Assert.Equal("Stored", Build([User("Hi"), Calls(call), Result(call)], [], Ids("openai", "Stored"))[1].Reasoning);
        Assert.Equal("Own", Build([User("Hi"), Calls(call) with { Reasoning = "Own" }, Result(call)], [], Ids("openai", "Stored"))[1].Reasoning);
        Assert.Null(Build([User("Hi"), Calls(call), Result(call)], [], Ids("gemini", "Stored"))[1].Reasoning);
    }

    [Fact]
    public void Build_NewInstructions_ReplaceTheStoredOnes()
    {
        var messages = Build([System("Be long"), User("Bye")], [new PastTurn([System("Be brief"), User("Hi")], "Hello")], Ids("openai"));
        Assert.Equal(["Be long", "Hi", "Hello", "Bye"], messages.Select(message => message.Text));
    }

    [Fact]
    public void Build_CallThatNobodyAnswered_IsLeftOut()
    {
        var past = new PastTurn([User("Hi")], "") { TurnId = _turnId, Upstream = "openai", Calls = [new("up-1", "f", "{}", true)] };
        var messages = Build([User("Something else")], [past], Ids("openai"));
        Assert.Equal(["Hi", "Something else"], messages.Select(message => message.Text));
    }

    [Fact]
    public void Build_ResultWithoutItsCall_IsRefused()
    {
        var error = Assert.Throws<ClusterException>(() => Build([Result("call_1")], [new PastTurn([User("Hi")], "Hello")], Ids("openai")));
        Assert.Equal((ErrorCode.InvalidRequest, "messages"), (error.Code, error.Param));
    }

    [Fact]
    public void Build_StoredHistory_TellsWhatIsNew()
    {
        var request = Request([System("Be long"), User("Bye"), User("Now")]);
        Assert.Equal(2, ModelPrompt.Build(request, Lease, [new PastTurn([User("Hi")], "")], Ids("openai")).NewMessages);
        Assert.Null(ModelPrompt.Build(Request([Calls("c"), Result("c")]), Lease, [], Ids("openai")).NewMessages);
    }

    [Theory]
    [InlineData(9, new[] { "c" })]
    [InlineData(18, new[] { "b", "c" })]
    [InlineData(100, new[] { "a", "b", "c" })]
    [InlineData(2, new string[0])]
    public void TakeNewest_LargeHistory_HasOnlyTheNewestTurns(int maxBytes, string[] expected)
    {
        var turns = ((string Id, int Size)[])[("a", 1), ("b", 10), ("c", 8)];
        var stored = turns.Select(turn => new StoredTurn(
            Row(turn.Id), [new TurnContent(TurnContentKind.Prompt, new byte[turn.Size])]));
        Assert.Equal(expected, TurnReader.TakeNewest([.. stored], maxBytes).Select(turn => turn.Row.TurnId));
    }

    private static TurnRow Row(string turnId) => new()
    {
        Id = 1, Version = 1, TurnId = turnId, TenantId = "t", Model = "m", Status = TurnStatus.Completed, CreatedAt = DateTimeOffset.UnixEpoch,
        Details = [],
    };

    private static TurnRequest Request(IReadOnlyList<ChatMessage> messages) =>
        new() { TurnId = TestIds.Ids.NewTurn("t", null), TenantId = "t", Model = "m", Messages = messages };

    private static IReadOnlyList<ChatMessage> Build(IReadOnlyList<ChatMessage> messages, IReadOnlyList<PastTurn> history, UpstreamCallIds ids)
    {
        return ModelPrompt.Build(Request(messages), Lease, history, ids).Messages;
    }

    private UpstreamCallIds Ids(string madeBy, string reasoning = "")
    {
        var ids = new UpstreamCallIds("openai");
        ids.Add(_turnId, madeBy, [new ToolCallItem("up-1", "f", "{}", ForClient: true)], reasoning);
        return ids;
    }

    private static ChatMessage System(string text) => new(ChatRole.System, [new TextContent(text)]);

    private static ChatMessage User(string text) => new(ChatRole.User, [new TextContent(text)]);

    private static ChatMessage Calls(string id) => new(ChatRole.Assistant, []) { ToolCalls = [new ToolCall(id, "f", "{}")] };

    private static ChatMessage Result(string id) => new(ChatRole.Tool, [new TextContent("r")]) { ToolCallId = id };
}
