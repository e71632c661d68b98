using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Hosting;

/// <summary>Runs a node that has been built.</summary>
internal static partial class NodeRun
{
    private static readonly TimeSpan StartedTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Counts requests, so that stopping can wait for them.</summary>
    public static void UseDrain(this WebApplication app)
    {
        var drain = app.Services.GetRequiredService<Drain>();
        app.Use(drain.Invoke);
    }

    /// <summary>Starts the node, logs its addresses, and returns when it has stopped.</summary>
    public static async Task RunNode(this WebApplication app, NodeSettings settings)
    {
        await Start(app);
        app.Services.GetRequiredService<StartPhase>().IsOver = true;
        using var signals = new SecondSignal();
        foreach (var doubt in settings.Doubts) Doubtful(app.Logger, doubt);
        foreach (var url in app.Urls) Listening(app.Logger, url);
        if (settings.Sandbox) Console.WriteLine(SandboxGreeting.For(app.Urls.First()));
        await app.WaitForShutdownAsync();
    }

    private static async Task Start(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await StopStarted(app);
            throw;
        }
    }

    // The host disposes of services without stopping those that have started: grains would still run then.
    private static async Task StopStarted(WebApplication app)
    {
        using var limit = new CancellationTokenSource(StartedTimeout, TimeProvider.System);
        try
        {
            await app.StopAsync(limit.Token);
        }
        catch (Exception)
        {
            // Some services refuse to stop because they have not started. Why the start failed is what counts.
        }
    }

    [LoggerMessage(2, LogLevel.Warning, "{Doubt}")]
    private static partial void Doubtful(ILogger logger, string doubt);

    [LoggerMessage(1, LogLevel.Information, "Listening on {Url}")]
    private static partial void Listening(ILogger logger, string url);
}
