using CozeCluster.Grains.Testing;

namespace CozeCluster.Grains.Tests.Conversations;

public sealed class PromptBuilderTests
{
    private static readonly Lease Lease = new("l", Bot("b1"), new AccountDefinition { Id = "a1", Upstream = "fake", BaseUrl = "http://x" });

    [Fact]
    public void Build_NewConversation_SendsAllMessagesOfTheClient()
    {
        var request = Request(System("Be brief"), User("Hi"), Assistant("Hello"), User("Bye"));
        Assert.Equal(request.Messages, PromptBuilder.Build(request, new ConversationMemory(), Lease).Messages);
    }

    [Fact]
    public void Build_ConversationAtTheUpstream_SendsOnlyNewMessages()
    {
        var request = Request(System("Be brief"), User("Hi"), Assistant("Hello"), User("Bye"));
        var turn = PromptBuilder.Build(request, CreateMemory("b1", "a1", PromptBuilder.HashInstructions(request.Messages)), Lease);

        Assert.Equal("Bye", Assert.Single(turn.Messages).Text);
        Assert.Equal("c1", turn.Conversation["conversation_id"]);
    }

    [Fact]
    public void Build_ChangedInstructions_SendsThemAgain()
    {
        var request = Request(System("Be long"), User("Bye"));
        var turn = PromptBuilder.Build(request, CreateMemory("b1", "a1", PromptBuilder.HashInstructions([System("Be brief")])), Lease);
        Assert.Equal(["Be long", "Bye"], turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public void Build_ConversationOnAnotherBot_SendsTheStoredHistory()
    {
        var history = new PastTurn([System("Be brief"), User("Hi")], "Hello\n\nthere");
        var turn = PromptBuilder.Build(Request(System("Be brief"), User("Bye")), CreateMemory("other", "a1", null), Lease, history: [history]);

        Assert.Empty(turn.Conversation);
        Assert.Equal(["Be brief", "Hi", "Hello\n\nthere", "Bye"], turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public void Build_StoredHistory_IsInsertedBehindTheInstructionsAtTheStart()
    {
        var history = new PastTurn([System("Be brief"), User("Hi")], "Hello");
        var request = Request(System("Be brief"), System("Be kind"), User("One"), System("Now be long"), User("Two"));

        var turn = PromptBuilder.Build(request, CreateMemory("other", "a1", null), Lease, history: [history]);

        Assert.Equal(["Be brief", "Be kind", "Hi", "Hello", "One", "Now be long", "Two"], turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public void Build_ClientSendsTheHistory_DoesNotAddTheStoredOne()
    {
        var request = Request(User("Hi"), Assistant("Hello"), User("Bye"));
        var turn = PromptBuilder.Build(request, CreateMemory("other", "a1", null), Lease, history: [new PastTurn([User("Hi")], "Hello")]);
        Assert.Equal(request.Messages, turn.Messages);
    }

    [Fact]
    public void Build_SameUserNameInTwoTenants_SendsDifferentUsers()
    {
        var one = PromptBuilder.Build(Request(User("Hi")) with { User = "ann" }, new ConversationMemory(), Lease).User;
        var two = PromptBuilder.Build(Request(User("Hi")) with { User = "ann", TenantId = "t2" }, new ConversationMemory(), Lease).User;
        Assert.NotEqual(one, two);
    }

    [Fact]
    public void Build_ToolOutputs_UsesTheCallIdsOfTheUpstream()
    {
        var answered = TestIds.Ids.NewTurn("t", null);
        var earlier = new AnsweredTurn(answered, Handle("b1", "a1"),
        [
            new ItemPart(new ToolCallItem("plugin", "search", "{}", ForClient: false)),
            new ItemPart(new ToolCallItem("upstream-7", "weather", "{}", ForClient: true)),
        ]);
        var request = Request(User("unused")) with { ToolOutputs = [new ToolOutput($"call_{answered["turn_".Length..]}_0", "sunny")] };
        var turn = PromptBuilder.Build(request, new ConversationMemory(), Lease, earlier);

        Assert.Equal([new ToolOutput("upstream-7", "sunny")], turn.ToolOutputs);
        Assert.Empty(turn.Messages);
        Assert.Equal("c1", turn.Conversation["conversation_id"]);
        Assert.Equal(answered, PromptBuilder.FindAnsweredTurn(request));
    }

    [Theory]
    [InlineData("call_nonsense")]
    [InlineData("call__0")]
    [InlineData("")]
    public void Build_ToolOutputForNoCall_NamesTheField(string callId)
    {
        var request = Request(User("unused")) with { ToolOutputs = [new ToolOutput(callId, "sunny")] };
        var error = Assert.Throws<ClusterException>(() => PromptBuilder.Build(request, new ConversationMemory(), Lease));
        Assert.Equal((ErrorCode.InvalidRequest, "messages"), (error.Code, error.Param));
    }

    private static ConversationMemory CreateMemory(string bot, string account, string? instructions) =>
        new() { UpstreamConversation = Handle(bot, account), InstructionsHash = instructions };

    private static UpstreamHandle Handle(string bot, string account) =>
        new(bot, account, "fake", new Dictionary<string, string> { ["conversation_id"] = "c1", ["chat_id"] = "h1" });

    private static BotDefinition Bot(string id) => new() { Id = id, Upstream = "fake", UpstreamBotId = "1", Accounts = ["a1"] };

    private static TurnRequest Request(params ChatMessage[] messages) =>
        new() { TurnId = TestIds.Ids.NewTurn("t", null), TenantId = "t", Model = "m", Messages = messages };

    private static ChatMessage System(string text) => new(ChatRole.System, [new TextContent(text)]);

    private static ChatMessage User(string text) => new(ChatRole.User, [new TextContent(text)]);

    private static ChatMessage Assistant(string text) => new(ChatRole.Assistant, [new TextContent(text)]);
}
