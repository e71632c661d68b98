using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>A turn that a test began.</summary>
/// <param name="Id">The turn.</param>
/// <param name="Grain">Its conversation.</param>
/// <param name="Subscriber">The subscriber.</param>
/// <param name="SubscriptionId">The id of the subscription.</param>
public sealed record BegunTurn(string Id, IConversationGrain Grain, RecordingSubscriber Subscriber, string SubscriptionId)
{
    public string Key => TurnId.TryGetConversation(Id, out var key) ? key : throw new InvalidOperationException();
}

/// <summary>A test with a silo, all grains and a small fleet. The test controls the upstream and moves the clock.</summary>
public abstract class GrainTest : IAsyncLifetime
{
    protected const string Tenant = "t";

    private readonly List<TestSilo> _crashed = [];

    /// <summary>Whether messages are serialized and replies pass through the observer, as between processes.</summary>
    protected virtual bool OverTheWire => Environment.GetEnvironmentVariable("COZECLUSTER_TESTS_FEED") == "remote";

    /// <summary>Faults that are injected into calls; null: none.</summary>
    protected virtual CallFaults? Faults => null;

    /// <summary>Limits of conversations.</summary>
    protected virtual ConversationOptions Options => new();

    protected TestSilo Silo { get; private set; } = null!;

    protected FakeUpstream Upstream { get; private set; } = new();

    protected FakeNotifier Notifier { get; } = new();

    protected ICatalogGrain Catalog => Silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    protected FakeDiscordPosting Discord { get; } = new();

    protected Hooks Hooks { get; } = new();

    public async ValueTask InitializeAsync() => await Start(null);

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        foreach (var silo in _crashed) await silo.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected static TurnRequest Request(string? conversation = null, string text = "Hi", string model = "m") => new()
    {
        TurnId = TestIds.Ids.NewTurn(Tenant, conversation),
        TenantId = Tenant,
        Model = model,
        ConversationName = conversation,
        Messages = [new ChatMessage(ChatRole.User, [new TextContent(text)])],
    };

    protected async Task<BegunTurn> Begin(TurnRequest request, RecordingSubscriber? subscriber = null)
    {
        subscriber ??= new RecordingSubscriber();
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var grain = Silo.Grains.GetGrain<IConversationGrain>(key);
        var subscription = Guid.NewGuid().ToString("n");
        await grain.Begin(request, new Subscription(subscription, Cursor.Start, Silo.Feeds.Open(subscriber).Address));
        return new BegunTurn(request.TurnId, grain, subscriber, subscription);
    }

    /// <summary>The conversation of a turn on the silo that runs now, which may have been started since the turn began.</summary>
    protected IConversationGrain GrainOf(BegunTurn turn) => Silo.Grains.GetGrain<IConversationGrain>(turn.Key);

    /// <summary>Runs a turn until its reply is complete.</summary>
    protected async Task<BegunTurn> Complete(TurnRequest request, string reply)
    {
        var turn = await Begin(request);
        (await Upstream.NextOpened()).Identify().Say(reply).Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        return turn;
    }

    protected Task Subscribe(BegunTurn turn, Cursor after, RecordingSubscriber subscriber) => GrainOf(turn)
        .Subscribe(Tenant, turn.Id, new Subscription(Guid.NewGuid().ToString("n"), after, Silo.Feeds.Open(subscriber).Address));

    /// <summary>What the row of a turn says about its charge.</summary>
    protected (long State, long Requests, long Tokens, long Credits) ChargeOf(string turnId)
    {
        object? Read(string column) => Silo.Query($"SELECT {column} FROM turns WHERE turn_id = $0", turnId);
        return Read("charge_state") is long state
            ? (state, (long)Read("charged_requests")!, (long)Read("charged_tokens")!, (long)Read("charged_credits")!)
            : default;
    }

    /// <summary>Moves the clock in steps until the condition is true or the time has passed. Grains run after each step.</summary>
    /// <param name="seconds">The maximum time.</param>
    /// <param name="until">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    protected Task PassSeconds(int seconds, Func<bool> until, TimeSpan? step = null) => Silo.PassSeconds(seconds, until, step);

    /// <summary>Moves the clock in steps until the condition is true. For events without a specified time.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    protected Task PassUntil(Func<bool> condition, TimeSpan? step = null) => Silo.PassUntil(condition, step);

    /// <summary>
    /// Simulates a crash of the node: another silo starts with a copy of the files, and with a new upstream.
    /// </summary>
    protected async Task Crash(bool sweep = true)
    {
        _crashed.Add(Silo);
        Upstream = new FakeUpstream();
        await Start(Silo);
        if (!sweep) return;
        await Silo.Grains.GetGrain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery).Sweep(TimeSpan.Zero);
    }

    /// <summary>Lets grains run their queued work, by calls and yields.</summary>
    protected Task LetGrainsRun() => Silo.LetGrainsRun();

    /// <summary>Configures the silo.</summary>
    protected virtual void Configure(ISiloBuilder silo)
    {
    }

    private async Task Start(TestSilo? crashed)
    {
        Silo = await TestSilo.StartAsync(
            silo =>
            {
                silo.Services.AddSingleton<IUpstream>(Upstream).AddSingleton<INotifier>(Notifier).AddSingleton<IDiscordPosting>(Discord);
                silo.Services.AddSingleton(new ReplyFeedOptions { DirectPath = !OverTheWire });
                if (OverTheWire) silo.AddOutgoingGrainCallFilter<WireRoundTrip>();
                TestIds.AddTo(silo.Services);
                Hooks.AddTo(silo);
                Faults?.AddTo(silo);
                Configure(silo);
            },
            Options,
            copyOf: crashed);
        await Silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(CreateFleet());
    }

    /// <summary>The fleet of each silo of the test.</summary>
    protected virtual Fleet CreateFleet() => SmallFleet();

    protected static Fleet SmallFleet() => new(
        "1",
        [
            new TenantDefinition { Id = Tenant },
            new TenantDefinition { Id = "t2", StoreConversations = false },
            new TenantDefinition { Id = "t3", MaxConcurrentTurns = 1 },
        ],
        [Account("a1"), Account("a2")],
        [
            Bot("b1"),
            Bot("b2"),
            Bot("single") with { MaxConcurrentTurns = 1 },
            Bot("impatient") with { Timeouts = new TurnTimeouts(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(20)) },
        ],
        [Model("m", "b1", "b2"), Model("single", "single"), Model("impatient", "impatient")])
    {
        Listeners = [Listener("l1"), Listener("l2")],
    };

    private static ListenerDefinition Listener(string id) => new() { Id = id, BaseUrl = "http://localhost", Token = new Secret(id), GuildId = "1" };

    private static AccountDefinition Account(string id) => new() { Id = id, Upstream = "fake", BaseUrl = "http://localhost", Token = new Secret(id) };

    private static BotDefinition Bot(string id) => new() { Id = id, Upstream = "fake", UpstreamBotId = "1", Accounts = ["a1", "a2"] };

    private static ModelDefinition Model(string id, params string[] bots) => new() { Id = id, Bots = bots };
}
