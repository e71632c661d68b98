using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>A gateway connection against a gateway that the test plays, under a manual clock.</summary>
internal sealed class GatewayRig : IAsyncDisposable
{
    public const string Token = "secret-token-of-the-listener";

    private readonly CancellationTokenSource _guard = new(TimeSpan.FromSeconds(30));
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _prepared = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private GatewayRig(GatewayServer server, Func<DiscordGatewayOptions, DiscordGatewayOptions>? change)
    {
        Server = server;
        Bot = new GatewayBot { Url = server.Url };
        var options = new DiscordGatewayOptions("listener-a", Token) { Compress = false };
        Gateway = new DiscordGateway(change?.Invoke(options) ?? options, Describe, PassGate, new IdentifyTurns(Time), Time, Log);
        Running = Task.Run(() => Gateway.Run(_stop.Token));
    }

    public ManualTime Time { get; } = new();

    public LogLines Log { get; } = new();

    public GatewayServer Server { get; }

    public DiscordGateway Gateway { get; }

    public Task Running { get; }

    public GatewayBot Bot { get; set; }

    public Exception? DescribeFails { get; set; }

    public Exception? GateFails { get; set; }

    public int Described { get; private set; }

    public int GatesPassed { get; private set; }

    public CancellationToken Guard => _guard.Token;

    public static async Task<GatewayRig> Start(Func<DiscordGatewayOptions, DiscordGatewayOptions>? change = null, Action<GatewayRig>? prepare = null)
    {
        var server = await GatewayServer.Start();
        var rig = new GatewayRig(server, change);
        prepare?.Invoke(rig);
        rig._prepared.SetResult();
        return rig;
    }

    /// <summary>A socket that has identified and is ready; its events up to READY are read.</summary>
    public async Task<GatewayPeer> BecomeReady(string session = "s-1", string resumeUrl = "", int interval = 45_000)
    {
        var peer = await Server.Accept(Guard);
        await peer.Hello(interval);
        await peer.Hear(2, Guard);
        await peer.Ready(session, resumeUrl);
        await Next<GatewayReady>();
        return peer;
    }

    /// <summary>The next event of that kind; what comes before is passed over.</summary>
    public async Task<T> Next<T>(Func<T, bool>? fits = null)
        where T : GatewayEvent
    {
        while (true)
        {
            if (await Gateway.Events.ReadAsync(Guard) is T e && fits?.Invoke(e) != false) return e;
        }
    }

    public async Task<DiscordGatewayState> NextState(GatewayPhase phase) => (await Next<GatewayStateChanged>(e => e.State.Phase == phase)).State;

    /// <summary>All events there are now.</summary>
    public List<GatewayEvent> Taken()
    {
        var events = new List<GatewayEvent>();
        while (Gateway.Events.TryRead(out var e)) events.Add(e);
        return events;
    }

    public Task Stop() => _stop.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Running.ContinueWith(_ => { }, TaskScheduler.Default);
        await Server.DisposeAsync();
        _stop.Dispose();
        _guard.Dispose();
    }

    private async Task<GatewayBot> Describe(CancellationToken cancellationToken)
    {
        await _prepared.Task;
        Described++;
        return DescribeFails is null ? Bot : throw DescribeFails;
    }

    private ValueTask PassGate(CancellationToken cancellationToken)
    {
        GatesPassed++;
        return GateFails is null ? ValueTask.CompletedTask : ValueTask.FromException(GateFails);
    }
}
