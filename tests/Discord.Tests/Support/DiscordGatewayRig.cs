using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>A gateway connection to a gateway that the test plays, with a manual clock.</summary>
internal sealed class DiscordGatewayRig : IAsyncDisposable
{
    public const string Token = "secret-token-of-the-listener";

    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _prepared = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DiscordGatewayRig(DiscordGatewayServer server, Func<DiscordGatewayOptions, DiscordGatewayOptions>? change)
    {
        Server = server;
        Bot = new DiscordGatewayBot { Url = server.Url };
        var options = new DiscordGatewayOptions("listener-a", Token) { Compress = false };
        Gateway = new DiscordGateway(change?.Invoke(options) ?? options, GetGatewayBot, TakeLease, new IdentifyPacing(Time), Time, Log);
        Running = Task.Run(() => Gateway.Run(_stop.Token));
    }

    public ManualTime Time { get; } = new();

    public LogLines Log { get; } = new();

    public DiscordGatewayServer Server { get; }

    public DiscordGateway Gateway { get; }

    public Task Running { get; }

    /// <summary>What REST returns about the gateway.</summary>
    public DiscordGatewayBot Bot { get; set; }

    /// <summary>Thrown instead of returning <see cref="Bot"/>.</summary>
    public Exception? RestError { get; set; }

    /// <summary>Thrown when the connection takes the lease.</summary>
    public Exception? LeaseError { get; set; }

    /// <summary>How often REST was asked about the gateway.</summary>
    public int RestRequests { get; private set; }

    /// <summary>How often the connection took the lease.</summary>
    public int LeasesTaken { get; private set; }

    /// <summary>Ends a test that hangs.</summary>
    public CancellationToken Timeout => _timeout.Token;

    public static async Task<DiscordGatewayRig> Start(
        Func<DiscordGatewayOptions, DiscordGatewayOptions>? change = null, Action<DiscordGatewayRig>? prepare = null)
    {
        var server = await DiscordGatewayServer.Start();
        var rig = new DiscordGatewayRig(server, change);
        prepare?.Invoke(rig);
        rig._prepared.SetResult();
        return rig;
    }

    /// <summary>Accepts a socket, and waits until its session is ready. The events up to READY are read.</summary>
    public async Task<DiscordGatewayPeer> BecomeReady(string session = "s-1", string resumeUrl = "", int interval = 45_000)
    {
        var peer = await Server.Accept(Timeout);
        await peer.Hello(interval);
        await peer.Receive(2, Timeout);
        await peer.Ready(session, resumeUrl);
        await Next<DiscordGatewayReady>();
        return peer;
    }

    /// <summary>Reads the next event of a type that meets a condition. Other events before it are dropped.</summary>
    public async Task<T> Next<T>(Func<T, bool>? condition = null)
        where T : DiscordGatewayEvent
    {
        while (true)
        {
            if (await Gateway.Events.ReadAsync(Timeout) is T e && condition?.Invoke(e) != false) return e;
        }
    }

    public async Task<DiscordGatewayState> NextState(DiscordGatewayPhase phase) => (await Next<DiscordGatewayStateChanged>(e => e.State.Phase == phase)).State;

    /// <summary>Reads the events that are available now.</summary>
    public List<DiscordGatewayEvent> ReadAvailable()
    {
        var events = new List<DiscordGatewayEvent>();
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
        _timeout.Dispose();
    }

    private async Task<DiscordGatewayBot> GetGatewayBot(CancellationToken cancellationToken)
    {
        await _prepared.Task;
        RestRequests++;
        return RestError is null ? Bot : throw RestError;
    }

    private ValueTask TakeLease(CancellationToken cancellationToken)
    {
        LeasesTaken++;
        return LeaseError is null ? ValueTask.CompletedTask : ValueTask.FromException(LeaseError);
    }
}
