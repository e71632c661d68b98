using System.Runtime.InteropServices;

namespace CozeCluster.Silo.Hosting;

/// <summary>The first Ctrl-C (or SIGTERM) asks for an orderly end, which the host sees to; the second ends the process at once.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _signals;
    private int _count;

    public SecondSignal() => _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Count), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count)];

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
    }

    private void Count(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(ExitCodes.Interrupted);
    }
}
