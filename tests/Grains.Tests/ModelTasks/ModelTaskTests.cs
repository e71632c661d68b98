using System.Collections.Concurrent;
using System.Text;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.ModelTasks;

/// <summary>Embeddings and moderations: admitted and leased as turns, and logged.</summary>
public sealed class ModelTaskTests : GrainTest
{
    private readonly TaskUpstream _tasks = new();

    protected override void Configure(ISiloBuilder silo) => silo.Services.AddSingleton<IModelTaskUpstream>(_tasks);

    [Fact]
    public async Task Run_ModelAnswers_ReturnsTheAnswerAndLogsTheTurn()
    {
        var request = Embed() with { User = "u1", KeyName = "app" };
        var result = await Run(request);

        Assert.Equal("""{"model":"m"}""", Encoding.UTF8.GetString(result.Body));
        var task = Assert.Single(_tasks.Received);
        Assert.Equal((ModelTask.Embeddings, "embed", "t:u1", "vectors"), (task.Task, task.Bot.Id, task.User, task.Model));
        var row = Assert.Single(await Search(request));
        Assert.Equal((TurnStatus.Completed, "embed", 5L, 0L), (row.Status, row.BotId, row.InputTokens, row.OutputTokens));
        Assert.Equal(("app", "u1", "vectors", 1), (row.KeyName, row.User, row.Model, row.Attempts));
        // Its contents are not stored.
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var error = await Assert.ThrowsAsync<ClusterException>(() => Silo.Grains.GetGrain<IConversationGrain>(key).GetTurn(Tenant, request.TurnId));
        Assert.Equal(ErrorCode.NotFound, error.Code);
    }

    [Fact]
    public async Task Run_TenantAtItsLimit_IsRefusedUntilTheOtherHasEnded()
    {
        _tasks.Hold = new TaskCompletionSource();
        var first = Run(Embed("t3"));
        await PassUntil(() => !_tasks.Received.IsEmpty);
        Assert.Equal(ErrorCode.RateLimited, (await Assert.ThrowsAsync<ClusterException>(() => Run(Embed("t3")))).Code);

        _tasks.Hold.SetResult();
        await first;
        await Run(Embed("t3"));
    }

    [Fact]
    public async Task Run_AccountIsRefused_TriesTheNextAndDisablesTheFirst()
    {
        _tasks.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "Wrong."));
        var request = Embed();
        await Run(request);
        Assert.Equal(2, _tasks.Received.Select(task => task.Account.Id).Distinct().Count());
        Assert.Equal(2, Assert.Single(await Search(request)).Attempts);
        var refused = _tasks.Received.First().Account.Id;

        for (var i = 0; i < 4; i++) await Run(Embed());
        Assert.All(_tasks.Received.Skip(1), task => Assert.NotEqual(refused, task.Account.Id));
    }

    [Fact]
    public async Task Run_ModelRefuses_ReturnsItsErrorAndLogsIt()
    {
        _tasks.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamInvalidRequest, "Too many inputs."));
        var request = Embed();
        var error = await Assert.ThrowsAsync<ClusterException>(() => Run(request));

        Assert.Equal((ErrorCode.UpstreamInvalidRequest, "Too many inputs."), (error.Code, error.Message));
        var row = Assert.Single(await Search(request));
        Assert.Equal((TurnStatus.Failed, ErrorCode.UpstreamInvalidRequest), (row.Status, row.Error));
    }

    [Fact]
    public async Task Run_ModelIsSilent_EndsWithATimeout()
    {
        _tasks.Hold = new TaskCompletionSource();
        var run = Run(Embed());
        await PassSeconds(300, () => run.IsCompleted, TimeSpan.FromSeconds(5));
        Assert.Equal(ErrorCode.UpstreamTimeout, (await Assert.ThrowsAsync<ClusterException>(() => run)).Code);
    }

    [Fact]
    public async Task Run_ClientLeaves_CancelsTheRequestAndReturnsTheLease()
    {
        _tasks.Hold = new TaskCompletionSource();
        using var client = new CancellationTokenSource();
        var request = Embed("t3");
        var run = Run(request, client.Token);
        await PassUntil(() => !_tasks.Received.IsEmpty);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => run);
        await PassUntil(() => _tasks.Cancelled == 1);

        _tasks.Hold = null;
        await PassUntil(() => Search(request).Result is [{ Status: TurnStatus.Cancelled }]);
        await Run(Embed("t3"));
    }

    [Fact]
    public async Task Run_RepeatedCall_IsSentOnce()
    {
        _tasks.Hold = new TaskCompletionSource();
        var request = Embed("t3");
        var first = Run(request);
        await PassUntil(() => !_tasks.Received.IsEmpty);
        var second = Run(request);
        await LetGrainsRun();
        _tasks.Hold.SetResult();

        Assert.Same((await first).Body, (await second).Body);
        Assert.Single(_tasks.Received);
    }

    [Fact]
    public async Task Run_Credential_IsGivenToTheAccountThatTakesIt()
    {
        await Run(Embed(model: "own") with { Credential = new RequestCredential { Upstream = "fake", Value = "credential-of-tenant" } });
        Assert.Equal(("own", "credential-of-tenant"), Assert.Single(_tasks.Received) is var task ? (task.Account.Id, task.Account.Token!.Sealed) : default);

        for (var i = 0; i < 6; i++)
        {
            _tasks.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "Wrong."));
            var wrong = Embed(model: "own") with { Credential = new RequestCredential { Upstream = "fake", Value = "wrong-credential" } };
            Assert.Equal(ErrorCode.UpstreamCredentialRefused, (await Assert.ThrowsAsync<ClusterException>(() => Run(wrong))).Code);
            Assert.Equal(i + 2, _tasks.Received.Count);
        }
    }

    [Fact]
    public async Task Chat_PoolWithBotsOfOtherTasks_UsesBotsForChatOnly()
    {
        for (var i = 0; i < 3; i++)
        {
            var turn = await Begin(Request(model: "vectors"));
            var exchange = await Upstream.NextOpened();
            Assert.Equal("b1", exchange.Turn.Bot.Id);
            exchange.Identify().Say("Hello").Complete();
            await turn.Subscriber.UntilEnd();
            await Run(Embed());
        }
        Assert.All(_tasks.Received, task => Assert.Equal("embed", task.Bot.Id));
    }

    [Fact]
    public async Task Run_TenantWithABudget_IsChargedWhatTheModelReports()
    {
        await Limit(new BudgetDefinition { Requests = 10 });
        var request = Embed() with { Body = new byte[100] };
        _tasks.Hold = new TaskCompletionSource();
        var run = Run(request);
        await PassUntil(() => !_tasks.Received.IsEmpty);
        Assert.Equal((ChargeState.Reserved, new Amounts(1, 50, 0)), await ChargeOf(request));

        _tasks.Hold.SetResult();
        await run;
        Assert.Equal((ChargeState.Settled, new Amounts(1, 5, 0)), await ChargeOf(request));

        _tasks.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamInvalidRequest, "Too many inputs."));
        var refused = Embed();
        await Assert.ThrowsAsync<ClusterException>(() => Run(refused));
        Assert.Equal((ChargeState.Settled, default), await ChargeOf(refused));
    }

    [Fact]
    public async Task Run_ErrorsAreAskedFor_AnswersAndRefusalsHaveTheRates()
    {
        var limits = new LimitsDefinition { RequestsPerMinute = 3, Daily = new BudgetDefinition { Requests = 1 } };
        await Catalog.Import(CreateFleet() with { Version = "rates", Tenants = [new TenantDefinition { Id = Tenant, Limits = limits }] });

        var (first, second) = (await Run(Embed() with { ReturnsErrors = true }), await Run(Embed() with { ReturnsErrors = true }));
        var (third, fourth) = (await Run(Embed() with { ReturnsErrors = true }), await Run(Embed() with { ReturnsErrors = true }));

        Assert.Equal(
            [(null, 2L), (ErrorCode.QuotaExceeded, 1L), (ErrorCode.QuotaExceeded, 0L), (ErrorCode.RateLimited, 0L)],
            new[] { first, second, third, fourth }.Select(result => (result.Error?.Code, result.Rates!.Requests!.Remaining)));
        Assert.Empty(second.Body);
    }

    [Fact]
    public async Task Run_BotWithALimitPerMinute_UsesWhatTheModelReports()
    {
        var fleet = CreateFleet();
        var limits = new LimitsDefinition { TokensPerMinute = 60 };
        await Catalog.Import(fleet with
        {
            Version = "limited-bot", Bots = [.. fleet.Bots.Select(bot => bot.Id == "embed" ? bot with { Limits = limits } : bot)],
        });

        // Each needs room for 50 tokens and uses 5 of them.
        for (var i = 0; i < 3; i++) await Run(Embed() with { Body = new byte[100] });
        await Assert.ThrowsAsync<ClusterException>(() => Run(Embed() with { Body = new byte[100] }));
        Assert.Equal(3, _tasks.Received.Count);
    }

    [Fact]
    public async Task Run_BudgetIsUsedUp_IsRefusedAndNotSent()
    {
        await Limit(new BudgetDefinition { Requests = 1 });
        await Run(Embed());
        Assert.Equal(ErrorCode.QuotaExceeded, (await Assert.ThrowsAsync<ClusterException>(() => Run(Embed()))).Code);

        Assert.Single(_tasks.Received);
        // The refused task has left its tenant.
        await Limit(null);
        await Run(Embed());
    }

    [Fact]
    public async Task ChargedTask_SweepFindsItWhileItRuns_ContinuesAndAfterACrashHasAnUnknownOutcome()
    {
        await Limit(new BudgetDefinition { Requests = 2 });
        _tasks.Hold = new TaskCompletionSource();
        var running = Embed();
        var run = Run(running);
        await PassUntil(() => !_tasks.Received.IsEmpty);
        await Sweep();
        Assert.Equal((ChargeState.Reserved, 1L), ((await ChargeOf(running)).State, (await ChargeOf(running)).Amounts.Requests));
        _tasks.Hold.SetResult();
        await run;
        Assert.Equal(ChargeState.Settled, (await ChargeOf(running)).State);

        _tasks.Hold = new TaskCompletionSource();
        var lost = Embed();
        _ = Run(lost);
        await PassUntil(() => _tasks.Received.Count == 2);
        await Crash();
        await Limit(new BudgetDefinition { Requests = 2 });
        await Sweep();
        await PassUntil(() => ChargeOf(lost).Result.State == ChargeState.Unknown);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.Single(await Search(lost)).Error);
    }

    private Task Limit(BudgetDefinition? daily) => Catalog.Import(CreateFleet() with
    {
        Version = $"limited-{daily?.Requests}",
        Tenants = [new TenantDefinition { Id = Tenant, Limits = daily is null ? null : new LimitsDefinition { Daily = daily } }],
    });

    private Task Sweep() => Silo.Grains.GetGrain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery).Sweep(TimeSpan.Zero);

    private async Task<(ChargeState State, Amounts Amounts)> ChargeOf(ModelTaskRequest request) =>
        Assert.Single(await Search(request)).Charge is { } charge ? (charge.State, charge.Amounts) : default;

    private static ModelTaskRequest Embed(string tenant = Tenant, string model = "vectors") => new()
    {
        TurnId = Testing.TestIds.Ids.NewTurn(tenant, null), TenantId = tenant, Model = model, AskedModel = model, Task = ModelTask.Embeddings,
        Body = "{}"u8.ToArray(),
    };

    private Task<ModelTaskResult> Run(ModelTaskRequest request, CancellationToken cancellationToken = default)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        return Silo.Grains.GetGrain<IModelTaskGrain>(key).Run(request, cancellationToken);
    }

    private Task<IReadOnlyList<TurnRow>> Search(ModelTaskRequest request) =>
        Silo.Grains.GetGrain<ITurnLogGrain>(GrainKeys.TurnLog).Search(new TurnQuery { TurnId = request.TurnId });

    protected override Fleet CreateFleet()
    {
        var small = SmallFleet();
        return small with
        {
            Version = "tasks",
            Accounts = [.. small.Accounts, new AccountDefinition { Id = "own", Upstream = "fake", BaseUrl = "http://localhost", CredentialFromRequest = true }],
            Bots = [.. small.Bots, Bot("embed", "a1", "a2"), Bot("own-embed", "own")],
            Models =
            [
                .. small.Models, new ModelDefinition { Id = "vectors", Bots = ["embed", "b1"] }, new ModelDefinition { Id = "own", Bots = ["own-embed"] },
            ],
        };
    }

    private static BotDefinition Bot(string id, params string[] accounts) =>
        new() { Id = id, Upstream = "fake", UpstreamBotId = "1", Accounts = accounts, Task = ModelTask.Embeddings };

    /// <summary>An upstream that answers every task at once, unless the test says otherwise.</summary>
    private sealed class TaskUpstream : IModelTaskUpstream
    {
        private int _cancelled;

        public string Name => "fake";

        public ConcurrentQueue<UpstreamTask> Received { get; } = new();

        public ConcurrentQueue<ClusterException> Refusals { get; } = new();

        public TaskCompletionSource? Hold { get; set; }

        public int Cancelled => Volatile.Read(ref _cancelled);

        public async Task<ModelTaskAnswer> Run(UpstreamTask task, CancellationToken cancellationToken)
        {
            Received.Enqueue(task);
            try
            {
                if (Hold is { } hold) await hold.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _cancelled);
                throw;
            }
            if (Refusals.TryDequeue(out var refusal)) throw refusal;
            return new ModelTaskAnswer("""{"model":"m"}"""u8.ToArray(), new Usage(5, 0, 5));
        }
    }
}
