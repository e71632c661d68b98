using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage.Tests;

/// <summary>Keeps log lines, each behind its level.</summary>
internal sealed class LogLines<T> : ILogger<T>
{
    public ConcurrentQueue<string> All { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        All.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}".TrimEnd());
}
