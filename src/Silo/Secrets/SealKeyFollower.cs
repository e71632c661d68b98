namespace CozeCluster.Silo.Secrets;

/// <summary>
/// Makes the seal of this node encrypt with the key that the stored fleet is encrypted with, from the start of the node and after each change. A key that is
/// replaced while nodes run is one such change.
/// </summary>
internal sealed class SealKeyFollower(IFleetView view, AesSecretSeal seal) : IHostedService
{
    private IDisposable? _subscription;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _subscription = view.Subscribe(_ => Follow());
        // Otherwise the first fleet is a change.
        if (view.Status.State == FleetViewState.Current) Follow();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _subscription?.Dispose();
        return Task.CompletedTask;
    }

    private void Follow() => seal.Choose(view.Outline.SealKey, view.Outline.AnySecret);
}
