using System.Collections.Concurrent;

namespace CozeCluster.Sandbox.OpenAi;

// Embeddings and moderations.
public sealed partial class FakeOpenAi
{
    /// <summary>The model that makes embeddings.</summary>
    public const string EmbeddingModel = "embedding-sandbox";

    /// <summary>The model that checks contents.</summary>
    public const string ModerationModel = "moderation-sandbox";

    /// <summary>Another token that is accepted: the key of a client.</summary>
    public const string OwnToken = "sk-openai-sandbox-own-0987654321";

    private readonly ConcurrentQueue<OpenAiTaskRequest> _tasks = new();

    /// <summary>The requests for embeddings and moderations since the start or the last reset, oldest first. Refused requests are not included.</summary>
    public IReadOnlyList<OpenAiTaskRequest> Tasks => [.. _tasks];

    internal void Add(OpenAiTaskRequest task)
    {
        _tasks.Enqueue(task);
        while (_tasks.Count > MaxCompletions && _tasks.TryDequeue(out _))
        {
        }
        NotifyChanged();
    }
}

/// <summary>A request for embeddings or moderations.</summary>
/// <param name="Path">The path below the base URL.</param>
/// <param name="Token">The token.</param>
/// <param name="Body">The JSON of the request.</param>
public sealed record OpenAiTaskRequest(string Path, string Token, string Body);
