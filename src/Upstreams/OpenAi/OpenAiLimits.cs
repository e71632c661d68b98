namespace CozeCluster.Upstreams.OpenAi;

/// <summary>All limits of this upstream.</summary>
internal static class OpenAiLimits
{
    /// <summary>The bytes that are read of an error response.</summary>
    public const int MaxErrorBody = 64 * 1024;

    /// <summary>The bytes of a whole JSON answer.</summary>
    public const int MaxJsonBody = 16 * 1024 * 1024;

    /// <summary>The bytes of the answer to a task, such as embeddings. It travels in a message between nodes, of at most 100 MB.</summary>
    public const int MaxTaskBody = 32 * 1024 * 1024;

    /// <summary>The bytes of images and files that one request contains. Older ones are left out.</summary>
    public const long MaxMedia = 64L * 1024 * 1024;

    /// <summary>The largest number of tool calls in one reply.</summary>
    public const int MaxToolCalls = 128;

    /// <summary>The characters of the arguments of all tool calls in one reply.</summary>
    public const int MaxArguments = 4 * 1024 * 1024;

    /// <summary>The characters of an id of a tool call.</summary>
    public const int MaxCallId = 40;

    /// <summary>The bytes of one event. The last event of a response repeats all of its output.</summary>
    public const int MaxEvent = 16 * 1024 * 1024;

    /// <summary>The characters of an id of a response.</summary>
    public const int MaxResponseId = 200;

    /// <summary>
    /// How often in a row a background response may fail to be read before its exchange fails. The conversation then attaches a few times more.
    /// </summary>
    public const int MaxReadFailures = 6;

    /// <summary>The pause before a response is read again, if the last read brought nothing. It doubles up to <see cref="MaxReadPause"/>.</summary>
    public static readonly TimeSpan FirstReadPause = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause before a response is read again.</summary>
    public static readonly TimeSpan MaxReadPause = TimeSpan.FromSeconds(4);

    /// <summary>The longest pause that a server's <c>retry-after</c> causes.</summary>
    public static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>The time for a request that deletes a response.</summary>
    public static readonly TimeSpan DeleteTimeout = TimeSpan.FromSeconds(5);
}
