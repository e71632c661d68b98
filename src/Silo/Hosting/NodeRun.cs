using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Hosting;

/// <summary>Runs a node that has been put together.</summary>
internal static partial class NodeRun
{
    /// <summary>Counts requests, so that stopping can wait for them.</summary>
    public static void UseDrain(this WebApplication app)
    {
        var drain = app.Services.GetRequiredService<Drain>();
        app.Use(drain.Invoke);
    }

    /// <summary>Starts the node, says where it is, and returns when it has stopped.</summary>
    public static async Task RunNode(this WebApplication app, NodeSettings settings)
    {
        await app.StartAsync();
        app.Services.GetRequiredService<StartPhase>().IsOver = true;
        using var signals = new SecondSignal();
        foreach (var doubt in settings.Doubts) Doubtful(app.Logger, doubt);
        foreach (var url in app.Urls) Listening(app.Logger, url);
        if (settings.Sandbox) Console.WriteLine(SandboxGreeting.For(app.Urls.First()));
        await app.WaitForShutdownAsync();
    }

    [LoggerMessage(2, LogLevel.Warning, "{Doubt}")]
    private static partial void Doubtful(ILogger logger, string doubt);

    [LoggerMessage(1, LogLevel.Information, "Listening on {Url}")]
    private static partial void Listening(ILogger logger, string url);
}
