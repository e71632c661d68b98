namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Whether the node has started. <c>Program</c> reports a failed start in one line, which framework logs during the start would hide.
/// </summary>
internal sealed class StartPhase
{
    public bool IsOver { get; set; }
}

/// <summary>Configures logging to the console, for people or programs.</summary>
internal static class NodeLogging
{
    // These categories are silent during the start. The last three would log three warnings at each start: that the process has one processor,
    // that a check which has not begun is late, and an error that ends the start anyway.
    private static readonly string[] SilentDuringStart =
    [
        "Microsoft.Extensions.Hosting", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog", "Orleans.Runtime.SiloLifecycleSubject",
    ];

    private static readonly string[] KestrelParts =
    [
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests", "Microsoft.AspNetCore.Server.Kestrel.Connections", "Microsoft.AspNetCore.Server.Kestrel.Http2",
        "Microsoft.AspNetCore.Server.Kestrel.Https", "Microsoft.AspNetCore.Server.Kestrel.Transport",
    ];

    public static void AddNodeLogging(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(settings.LogLevel);

        // The gateway logs requests itself, with more information.
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        // Orleans warns about each message to a silo that does not answer. Health reports it once.
        builder.Logging.AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Messaging", LogLevel.Error).AddFilter("Polly", LogLevel.Warning);
        var start = new StartPhase();
        builder.Services.AddSingleton(start);
        foreach (var category in SilentDuringStart)
            builder.Logging.AddFilter(category, level => start.IsOver && level >= LogLevel.Warning);
        // The server logs every exception that reaches it with a stack trace. Only ReplyCutException does, and the gateway has logged its request.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", level => start.IsOver && level >= LogLevel.Critical);
        foreach (var category in KestrelParts) builder.Logging.AddFilter(category, level => start.IsOver && level >= LogLevel.Warning);
        builder.Logging.AddConfiguration(settings.Logging);
        if (settings.Log == LogFormat.Json)
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
