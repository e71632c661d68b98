namespace CozeCluster.Silo.Hosting;

/// <summary>How the process ends.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>The node could not run, or failed while it ran.</summary>
    public const int Failure = 1;

    /// <summary>The command line, a setting or the fleet file is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Told to stop at once.</summary>
    public const int Interrupted = 130;
}
