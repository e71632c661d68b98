using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>What is stored of turns, and how long.</summary>
public sealed class StoredTurnsTests : GrainTest
{
    private ITurnLogGrain Log => Silo.Grains.GetGrain<ITurnLogGrain>(GrainKeys.TurnLog);

    protected override ConversationOptions Options => new() { MaxStoredTurns = 3 };

    [Fact]
    public async Task Row_OfAnEndedTurn_HasWhatOperatorsSearchBy()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamQuotaExceeded, "No credit."));
        var accepted = Silo.Time.GetUtcNow();
        var turn = await Complete(Request("chat") with { KeyName = "my key", User = "ann" }, "Hello");

        var row = Assert.Single(await Log.Search(new TurnQuery { TurnId = turn.Id }));

        Assert.Equal((Tenant, "my key", "ann", "m"), (row.TenantId, row.KeyName, row.User, row.Model));
        Assert.Equal((TurnStatus.Completed, "fake", "b1", "a2", 2), (row.Status, row.Upstream, row.BotId, row.AccountId, row.Attempts));
        Assert.Equal((null, 3L, 4L, true), (row.Error, row.InputTokens, row.OutputTokens, row.IsHistory));
        Assert.Equal((accepted, accepted, accepted), (row.CreatedAt, row.FirstTextAt, row.EndedAt));
        var details = TurnJson.Read(row.Details, TurnJson.Default.TurnDetails);
        Assert.Equal([("a1", ErrorCode.UpstreamQuotaExceeded), ("a2", null)], details.Attempts!.Select(attempt => (attempt.Account, attempt.Error)));
        Assert.Equal(row, Assert.Single(await Log.Search(new TurnQuery { User = "ann", BotId = "b1" })) with { Details = row.Details, Handle = row.Handle });
    }

    [Fact]
    public async Task Row_OfAFailedTurn_HasItsError()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.ContextLengthExceeded, "Too long."));
        var turn = await Begin(Request());
        await turn.Subscriber.UntilEnd();

        var row = Assert.Single(await Log.Search(new TurnQuery { Status = TurnStatus.Failed }));

        Assert.Equal((turn.Id, ErrorCode.ContextLengthExceeded, false), (row.TurnId, row.Error, row.IsHistory));
    }

    [Fact]
    public async Task Row_OfATurnThatCannotBeResumed_IsStoredAtItsEnd()
    {
        Upstream.CanReattach = false;
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        Assert.Equal((0, 0), Silo.Count(turn.Key));

        exchange.Complete();
        await turn.Subscriber.UntilEnd();

        await PassUntil(() => Silo.Count(turn.Key) == (1, 1));
        await Silo.RestartAsync();
        Assert.Equal([new TextPart("Hello")], (await GrainOf(turn).GetTurn(Tenant, turn.Id)).Parts);
    }

    [Fact]
    public async Task Row_OfARefusedTurn_DoesNotExist()
    {
        var request = Request() with { TenantId = "t3", TurnId = TestIds.Ids.NewTurn("t3", null) };
        await Begin(request);
        await Assert.ThrowsAsync<ClusterException>(() => Begin(request with { TurnId = TestIds.Ids.NewTurn("t3", null) }));
        (await Upstream.NextOpened()).Identify().Say("x").Complete();

        await PassUntil(() => Log.Search(new TurnQuery { Status = TurnStatus.Completed }).Result.Count == 1);

        Assert.Equal(request.TurnId, Assert.Single(await Log.Search(new TurnQuery { TenantId = "t3" })).TurnId);
    }

    [Fact]
    public async Task Prompt_OfALaterTurn_HasOnlyTheNewMessages()
    {
        ChatMessage[] first = [Message(ChatRole.System, "Be brief"), Message(ChatRole.User, "Hi")];
        ChatMessage[] later = [.. first, Message(ChatRole.Assistant, "Hello"), Message(ChatRole.User, "Bye")];
        await Complete(Request("chat") with { Messages = first }, "Hello");
        await Complete(Request("chat") with { Messages = later }, "Goodbye");
        var third = await Complete(Request("chat") with { Messages = [Message(ChatRole.System, "Be long"), .. later[1..]] }, "So long");

        var prompts = (await GrainOf(third).GetConversation(Tenant)).Turns.Select(turn => turn.Prompt.Select(message => message.Text));

        Assert.Equal([["Be brief", "Hi"], ["Bye"], ["Be long", "Bye"]], prompts);
    }

    [Fact]
    public async Task Turns_BeyondTheLimit_LeaveTheConversationAndStayInTheLog()
    {
        var first = await Complete(Request("chat", "1"), "1");
        for (var i = 2; i <= 4; i++) await Complete(Request("chat", $"{i}"), $"{i}");
        await Silo.RestartAsync();

        var conversation = await GrainOf(first).GetConversation(Tenant);

        Assert.Equal(3, conversation.Summary.Turns);
        Assert.Equal(["2", "3", "4"], conversation.Turns.Select(turn => turn.Prompt[^1].Text));
        var error = await Assert.ThrowsAsync<ClusterException>(() => GrainOf(first).GetTurn(Tenant, first.Id));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        Assert.Equal(4, (await Log.Search(new TurnQuery { TenantId = Tenant })).Count);
        Assert.Equal((3, 6), Silo.Count(first.Key));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("talk")]
    public async Task IdempotencyKey_AfterTheTurnHasExpired_BeginsANewTurn(string? conversation)
    {
        // This tenant does not store conversations, so its replies expire in named ones too.
        var request = Request(conversation) with { TenantId = "t2", TurnId = TestIds.Ids.TurnOfKey("t2", conversation, "once"), Fingerprint = "f" };
        await Complete(request, "first");
        await Silo.RestartAsync();
        Silo.Time.Advance(TimeSpan.FromMinutes(61));

        var again = await Complete(request with { Fingerprint = "another" }, "second");

        Assert.Equal("second", again.Subscriber.Text);
        Assert.Equal((1, 1), Silo.Count(again.Key));
        Assert.Equal(2, (await Log.Search(new TurnQuery { TurnId = request.TurnId })).Count);
    }

    [Fact]
    public async Task Begin_MarkedAsTheFirstCall_ReadsNothing()
    {
        var reads = 0;
        Hooks.BeforeLoad = () => Task.FromResult(++reads);
        var request = Request();
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        Task<BegunTurn> begun;
        using (FirstCall.To(key)) begun = Begin(request);
        await begun;
        (await Upstream.NextOpened()).Identify().Complete();
        await (await begun).Subscriber.UntilEnd();

        Assert.Equal(0, reads);
        await Silo.RestartAsync();
        await GrainOf(await begun).GetTurn(Tenant, request.TurnId);
        Assert.Equal(1, reads);
    }

    [Fact]
    public async Task Head_OfAConversationWithoutAName_IsStoredWithItsSecondTurn()
    {
        var first = await Begin(Request());
        var asking = (await Upstream.NextOpened()).Identify();
        asking.Do(sink => sink.Add(new ToolCallItem("call", "weather", "{}", ForClient: true))).Complete(FinishReason.ToolCalls);
        await first.Subscriber.UntilEnd();
        Assert.Null(Silo.Query("SELECT turns FROM conversations WHERE key = $0", first.Key));
        await Silo.RestartAsync();

        var second = Request() with
        {
            TurnId = TestIds.Ids.NewTurnAfter(Tenant, first.Id), ToolOutputs = [new ToolOutput(ToolCallIds.Of(first.Id, 0), "sunny")],
        };
        var turn = await Begin(second);
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Take no umbrella").Complete();
        await turn.Subscriber.UntilEnd();

        Assert.Equal([new ToolOutput("call", "sunny")], exchange.Turn.ToolOutputs);
        Assert.Equal("c-" + first.Id, exchange.Turn.Conversation["conversation_id"]);
        Assert.Equal(2L, Silo.Query("SELECT turns FROM conversations WHERE key = $0", first.Key));
    }

    private static ChatMessage Message(ChatRole role, string text) => new(role, [new TextContent(text)]);
}

/// <summary>A conversation whose turn runs longer than the conversation is kept.</summary>
public sealed class RetentionTests : GrainTest
{
    protected override ConversationOptions Options => new() { NamedRetention = TimeSpan.FromSeconds(20) };

    [Fact]
    public async Task Head_WhileATurnRuns_DoesNotExpire()
    {
        var turn = await Begin(Request("chat") with { Survive = true });
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        var expiresAt = ExpiresAt();

        await PassSeconds(30, () => ExpiresAt() > expiresAt);

        Assert.InRange(ExpiresAt() - expiresAt, 10_000, 19_999);
        long ExpiresAt() => (long)Silo.Query("SELECT expires_at FROM conversations WHERE key = $0", turn.Key)!;
    }
}
