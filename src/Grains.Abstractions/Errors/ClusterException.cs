namespace CozeCluster;

/// <summary>The one exception that crosses projects and processes. Its message is safe to show to clients: no secrets, no upstream credentials.</summary>
[Alias("cluster-exception")]
public sealed class ClusterException : Exception
{
    /// <summary>An error with a message for the client.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">One or two sentences for the client, naming what to change where it can be changed.</param>
    /// <param name="param">The request field at fault, as a path (<c>messages[0].content</c>).</param>
    /// <param name="until">When it is worth trying again.</param>
    /// <param name="inner">The cause, for logs of this process; does not cross processes.</param>
    public ClusterException(ErrorCode code, string message, string? param = null, DateTimeOffset? until = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Param = param;
        Until = until;
    }

    /// <summary>What went wrong.</summary>
    public ErrorCode Code { get; }

    /// <summary>The request field at fault, if one is.</summary>
    public string? Param { get; }

    /// <summary>When it is worth trying again, if known.</summary>
    public DateTimeOffset? Until { get; }

    /// <summary>What follows from the code.</summary>
    public ErrorInfo Info => ErrorTable.Of(Code);

    /// <summary>The same error as a message.</summary>
    public Error ToError() => new(Code, Message, Param, Until);
}
