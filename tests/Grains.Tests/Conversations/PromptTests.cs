namespace CozeCluster.Grains.Tests.Conversations;

public sealed class PromptTests
{
    private static readonly Lease Lease = new("l", Bot("b1"), new AccountDefinition { Id = "a1", Upstream = "fake", BaseUrl = "http://x" });

    [Fact]
    public void For_FreshConversation_SendsEverythingTheClientSent()
    {
        var request = Request(System("Be brief"), User("Hi"), Assistant("Hello"), User("Bye"));
        Assert.Equal(request.Messages, Prompt.For(request, new ConversationState(), Lease).Messages);
    }

    [Fact]
    public void For_ConversationTheFarSideHolds_SendsOnlyWhatIsNew()
    {
        var request = Request(System("Be brief"), User("Hi"), Assistant("Hello"), User("Bye"));
        var turn = Prompt.For(request, Home("b1", "a1", Prompt.InstructionsHash(request.Messages)), Lease);

        Assert.Equal("Bye", Assert.Single(turn.Messages).Text);
        Assert.Equal("c1", turn.Conversation["conversation_id"]);
    }

    [Fact]
    public void For_InstructionsThatChanged_SendsThemAgain()
    {
        var request = Request(System("Be long"), User("Bye"));
        var turn = Prompt.For(request, Home("b1", "a1", Prompt.InstructionsHash([System("Be brief")])), Lease);
        Assert.Equal(["Be long", "Bye"], turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public void For_ConversationThatMovedToAnotherBot_SendsTheStoredHistory()
    {
        var state = Home("other", "a1", null);
        state.Turns.Add(new TurnRecord
        {
            TurnId = "earlier", Status = TurnStatus.Completed, Request = Request(System("Be brief"), User("Hi")), Parts = [new TextPart("Hello"), new TextPart("there")],
        });
        var turn = Prompt.For(Request(System("Be brief"), User("Bye")), state, Lease);

        Assert.Empty(turn.Conversation);
        Assert.Equal(["Be brief", "Hi", "Hello\n\nthere", "Bye"], turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public void For_ClientThatCarriesItsOwnHistory_DoesNotAddOurs()
    {
        var state = Home("other", "a1", null);
        state.Turns.Add(new TurnRecord { TurnId = "earlier", Status = TurnStatus.Completed, Request = Request(User("Hi")), Parts = [new TextPart("Hello")] });
        var request = Request(User("Hi"), Assistant("Hello"), User("Bye"));
        Assert.Equal(request.Messages, Prompt.For(request, state, Lease).Messages);
    }

    [Fact]
    public void For_UsersOfTwoTenantsWithOneName_AreKeptApart()
    {
        var one = Prompt.For(Request(User("Hi")) with { User = "ann" }, new ConversationState(), Lease).User;
        var two = Prompt.For(Request(User("Hi")) with { User = "ann", TenantId = "t2" }, new ConversationState(), Lease).User;
        Assert.NotEqual(one, two);
    }

    [Fact]
    public void For_ToolOutputs_AnswersTheFarSidesOwnCallIds()
    {
        var asked = TurnId.New("t", null);
        var state = new ConversationState();
        state.Turns.Add(new TurnRecord
        {
            TurnId = asked,
            Status = TurnStatus.Completed,
            Handle = Handle("b1", "a1"),
            Parts = [new ItemPart(new ToolCallItem("plugin", "search", "{}", ForClient: false)), new ItemPart(new ToolCallItem("far-7", "weather", "{}", ForClient: true))],
        });
        var request = Request(User("unused")) with { ToolOutputs = [new ToolOutput($"call_{asked["turn_".Length..]}_0", "sunny")] };
        var turn = Prompt.For(request, state, Lease);

        Assert.Equal([new ToolOutput("far-7", "sunny")], turn.ToolOutputs);
        Assert.Empty(turn.Messages);
        Assert.Equal("c1", turn.Conversation["conversation_id"]);
        Assert.Equal(asked, Prompt.AnsweredTurn(request));
    }

    [Theory]
    [InlineData("call_nonsense")]
    [InlineData("call__0")]
    [InlineData("")]
    public void For_ToolOutputNobodyWaitsFor_NamesTheField(string callId)
    {
        var request = Request(User("unused")) with { ToolOutputs = [new ToolOutput(callId, "sunny")] };
        var error = Assert.Throws<ClusterException>(() => Prompt.For(request, new ConversationState(), Lease));
        Assert.Equal((ErrorCode.InvalidRequest, "messages"), (error.Code, error.Param));
    }

    private static ConversationState Home(string bot, string account, string? instructions) =>
        new() { TenantId = "t", Home = Handle(bot, account), InstructionsHash = instructions };

    private static UpstreamHandle Handle(string bot, string account) =>
        new(bot, account, "fake", new Dictionary<string, string> { ["conversation_id"] = "c1", ["chat_id"] = "h1" });

    private static BotDefinition Bot(string id) => new() { Id = id, Upstream = "fake", UpstreamBotId = "1", Accounts = ["a1"] };

    private static TurnRequest Request(params ChatMessage[] messages) => new() { TurnId = TurnId.New("t", null), TenantId = "t", Model = "m", Messages = messages };

    private static ChatMessage System(string text) => new(ChatRole.System, [new TextContent(text)]);

    private static ChatMessage User(string text) => new(ChatRole.User, [new TextContent(text)]);

    private static ChatMessage Assistant(string text) => new(ChatRole.Assistant, [new TextContent(text)]);
}
