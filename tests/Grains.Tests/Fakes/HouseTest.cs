using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>A turn a test began.</summary>
/// <param name="Id">The turn.</param>
/// <param name="Grain">Its conversation.</param>
/// <param name="Observer">Who hears it.</param>
/// <param name="SubscriptionId">The observer's subscription.</param>
public sealed record BegunTurn(string Id, IConversationGrain Grain, RecordingObserver Observer, string SubscriptionId)
{
    public string Key => TurnId.TryGetConversation(Id, out var key) ? key : throw new InvalidOperationException();
}

/// <summary>All grains in a silo, with a small fleet. The test plays the upstream and moves the clock.</summary>
public abstract class HouseTest : IAsyncLifetime
{
    protected const string Tenant = "t";

    private readonly List<TestSilo> _crashed = [];

    /// <summary>Whether messages pass the serializer and replies the observer, as between processes.</summary>
    protected virtual bool OverTheWire => Environment.GetEnvironmentVariable("COZECLUSTER_TESTS_FEED") == "remote";

    /// <summary>Faults to inject into calls; null: none.</summary>
    protected virtual CallFaults? Faults => null;

    /// <summary>Limits of conversations.</summary>
    protected virtual ConversationOptions Options => new();

    protected TestSilo House { get; private set; } = null!;

    protected FakeUpstream Upstream { get; private set; } = new();

    protected FakeNotifier Notifier { get; } = new();

    protected ICatalogGrain Catalog => House.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    protected FakeDiscordPosting Discord { get; } = new();

    protected Hooks Hooks { get; } = new();

    public async ValueTask InitializeAsync() => await Start(null);

    public async ValueTask DisposeAsync()
    {
        await House.DisposeAsync();
        foreach (var engine in _crashed) await engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected static TurnRequest Request(string? conversation = null, string text = "Hi", string model = "m") => new()
    {
        TurnId = TurnId.New(Tenant, conversation),
        TenantId = Tenant,
        Model = model,
        ConversationName = conversation,
        Messages = [new ChatMessage(ChatRole.User, [new TextContent(text)])],
    };

    protected async Task<BegunTurn> Begin(TurnRequest request, RecordingObserver? observer = null)
    {
        observer ??= new RecordingObserver();
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var grain = House.Grains.GetGrain<IConversationGrain>(key);
        var subscription = Guid.NewGuid().ToString("n");
        await grain.Begin(request, new Subscription(subscription, Cursor.Start, House.Feeds.Open(observer).Address));
        return new BegunTurn(request.TurnId, grain, observer, subscription);
    }

    /// <summary>Runs a turn to its end.</summary>
    protected async Task<BegunTurn> Complete(TurnRequest request, string reply)
    {
        var turn = await Begin(request);
        (await Upstream.NextOpened()).Identify().Say(reply).Complete();
        Assert.IsType<ReplyCompleted>(await turn.Observer.UntilEnd());
        return turn;
    }

    protected Task Listen(BegunTurn turn, Cursor after, RecordingObserver observer) => House.Grains.GetGrain<IConversationGrain>(turn.Key)
        .Subscribe(Tenant, turn.Id, new Subscription(Guid.NewGuid().ToString("n"), after, House.Feeds.Open(observer).Address));

    /// <summary>Moves the clock in steps, giving grains time to act on each, until the condition holds or the seconds are over.</summary>
    /// <param name="seconds">How long at most.</param>
    /// <param name="until">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    protected Task PassSeconds(int seconds, Func<bool> until, TimeSpan? step = null) => House.PassSeconds(seconds, until, step);

    /// <summary>Moves the clock in steps until the condition holds, however many it takes: for what has to come, where nothing is said about when.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    protected Task PassUntil(Func<bool> condition, TimeSpan? step = null) => House.PassUntil(condition, step);

    /// <summary>
    /// The node is gone from one moment to the next: another one starts on a copy of what was on disk, with a far side that has seen nothing yet.
    /// </summary>
    protected async Task Crash(bool sweep = true)
    {
        // By then registries have saved what they save within a second.
        Assert.True(TurnId.TryGetConversation(TurnId.New(Tenant, null), out var nobody));
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards; shard++)
        {
            await House.Grains.GetGrain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Add(nobody, atOnce: true);
        }
        _crashed.Add(House);
        Upstream = new FakeUpstream();
        await Start(House);
        if (!sweep) return;
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards; shard++)
        {
            await House.Grains.GetGrain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep();
        }
    }

    /// <summary>Lets grains finish what they were told: a call through a grain's queue and the pool.</summary>
    protected Task Settle() => House.Settle();

    /// <summary>Adds to the silo.</summary>
    protected virtual void Configure(ISiloBuilder silo)
    {
    }

    private async Task Start(TestSilo? crashed)
    {
        House = await TestSilo.StartAsync(
            silo =>
            {
                silo.Services.AddSingleton<IUpstream>(Upstream).AddSingleton<INotifier>(Notifier).AddSingleton<IDiscordPosting>(Discord);
                silo.Services.AddSingleton(new ReplyFeedOptions { DirectPath = !OverTheWire });
                if (OverTheWire) silo.AddOutgoingGrainCallFilter<WireRoundTrip>();
                Hooks.AddTo(silo);
                Faults?.AddTo(silo);
                Configure(silo);
            },
            Options,
            copyOf: crashed);
        await House.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(SmallFleet());
    }

    protected static Fleet SmallFleet() => new(
        "1",
        [new TenantDefinition { Id = Tenant }, new TenantDefinition { Id = "t2", StoreConversations = false }, new TenantDefinition { Id = "t3", MaxConcurrentTurns = 1 }],
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
