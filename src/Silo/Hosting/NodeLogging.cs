namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Whether the node has started. <c>Program</c> reports a failed start in one line; what frameworks log about it would only hide that line.
/// </summary>
internal sealed class StartPhase
{
    public bool IsOver { get; set; }
}

/// <summary>Where log lines go: the console, for people or machines.</summary>
internal static class NodeLogging
{
    // The last three warn at every start: that the process has one processor, that a check which has not begun is late, and of an error that the start ends with anyway.
    private static readonly string[] StartCategories =
        ["Microsoft.Extensions.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog", "Orleans.Runtime.SiloLifecycleSubject"];

    public static void AddNodeLogging(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(settings.LogLevel);

        // The framework's own tale of every request says nothing the gateway does not say better.
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        // Orleans warns of every single message while a silo is away; health reports that once.
        builder.Logging.AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Messaging", LogLevel.Error).AddFilter("Polly", LogLevel.Warning);
        var start = new StartPhase();
        builder.Services.AddSingleton(start);
        foreach (var category in StartCategories)
            builder.Logging.AddFilter(category, level => start.IsOver && level >= LogLevel.Warning);
        builder.Logging.AddConfiguration(settings.Logging);
        if (settings.Log == LogForm.Json)
        {
            builder.Logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss ";
            });
        }
    }
}
