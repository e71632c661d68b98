namespace CozeCluster.EndToEnd.Tests;

/// <summary>What tests talk to: a node alone, or a cluster that serves clients as one.</summary>
internal interface INode : IAsyncDisposable
{
    /// <summary>Where clients are served.</summary>
    Uri BaseUrl { get; }

    /// <summary>Where all of its processes listen.</summary>
    IReadOnlyList<Uri> Urls { get; }

    /// <summary>What it printed so far.</summary>
    string Output { get; }

    /// <summary>Asks it to stop, as a service manager would: <c>kill -TERM</c>.</summary>
    /// <returns>Its exit code.</returns>
    Task<int> StopAsync(CancellationToken cancellationToken);
}
