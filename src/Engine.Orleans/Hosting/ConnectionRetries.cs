using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Orleans;

/// <summary>A client that starts before any silo does waits for one.</summary>
internal sealed class ConnectionRetries(TimeProvider time, ILogger<ConnectionRetries> logger) : IClientConnectionRetryFilter
{
    private bool _told;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_told) Log.WaitingForCluster(logger, exception.Message);
        _told = true;
        await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        return true;
    }
}
