using System.IO.Pipelines;
using System.Net;
using System.Text;

namespace CozeCluster.Gateway.Tests.Surfaces.AiProxy;

/// <summary>Answers requests that are passed through, when the test says so.</summary>
internal sealed class FakeProvider : IPassThrough
{
    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The status of the answer.</summary>
    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    /// <summary>What every request fails with; null: it does not.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Completes when a request has arrived.</summary>
    public TaskCompletionSource Asked { get; } = New();

    /// <summary>Completes when the reading of the answer was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = New();

    /// <summary>The body of the answer.</summary>
    public FakeBody Body { get; } = new();

    public Task<HttpResponseMessage> Send(
        PassThroughTarget target, string path, string query, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (Fault is not null) throw Fault;
        cancellationToken.Register(() => Cancelled.TrySetResult());
        Asked.TrySetResult();
        return Task.FromResult(new HttpResponseMessage(Status) { Content = new StreamContent(Body.Stream) });
    }

    /// <summary>A body that the test writes.</summary>
    internal sealed class FakeBody
    {
        private readonly Pipe _pipe = new();

        public Stream Stream => _pipe.Reader.AsStream();

        public void Write(string text) => _ = _pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

        public void Complete(string text)
        {
            Write(text);
            _pipe.Writer.Complete();
        }
    }
}
