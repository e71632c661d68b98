namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Makes the first admin key where nothing is stored and there is no fleet file, and prints it. Whoever loses it makes another one with <c>keys create</c>.
/// </summary>
internal sealed partial class FirstOwner(IGrainFactory grains, IFleetView view, TextWriter output, ILogger<FirstOwner> logger) : IHostedService
{
    /// <summary>The tenant of the key.</summary>
    public const string Tenant = "admin";

    private const string By = "first start";

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        LogNoFile();
        if (view.Version > 0) return;
        var (catalog, made) = (grains.Grain<ICatalogGrain>(GrainKeys.Catalog), NewApiKey.Create());
        try
        {
            // The first version of the fleet has the key, so that every process knows it when it is ready. Of several nodes that start at the same time, one
            // makes it.
            var document = $$"""
                {
                  "tenants": [
                    { "id": "{{Tenant}}", "keys": [{ "name": "owner", "role": "owner", "hash": "{{made.Stored.Hash}}", "hint": "{{made.Stored.Hint}}" }] }
                  ]
                }
                """;
            await catalog.ImportDocument(new FleetDocument(document, By) { Expected = 0 });
            await output.WriteLineAsync($"The admin key of the owner, which is not shown again: {made.Text}");
        }
        catch (ClusterException exception)
        {
            LogNotMade(exception.Message);
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Information, "There is no fleet file. Tenants, keys, bots and models are managed through the admin API")]
    private partial void LogNoFile();

    [LoggerMessage(2, LogLevel.Information, "This node has made no owner key: {Reason} If there is none, make one with keys create")]
    private partial void LogNotMade(string reason);
}
