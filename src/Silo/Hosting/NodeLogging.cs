namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Whether the node is up. A start that fails is told by <c>Program</c>, in words; what the framework says about it besides would only bury them.
/// </summary>
internal sealed class StartPhase
{
    public bool IsOver { get; set; }
}

/// <summary>Where log lines go: the console, for people or machines.</summary>
internal static class NodeLogging
{
    public static void AddNodeLogging(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(settings.LogLevel);

        // The framework's own tale of every request says nothing the gateway does not say better.
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        var start = new StartPhase();
        builder.Services.AddSingleton(start);
        foreach (var category in new[] { "Microsoft.Extensions.Hosting", "Microsoft.AspNetCore.Server.Kestrel" })
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
