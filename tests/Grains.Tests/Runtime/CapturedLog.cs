using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>The warnings and errors that a silo has logged.</summary>
public sealed class CapturedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(int Id, string Text, Exception? Exception)> _entries = new();

    /// <summary>The entries with an event id whose text contains <paramref name="part"/>. Categories of Orleans are not captured.</summary>
    public IReadOnlyList<(int Id, string Text, Exception? Exception)> Of(int id, string part) =>
        [.. _entries.Where(entry => entry.Id == id && entry.Text.Contains(part, StringComparison.Ordinal))];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName.StartsWith("CozeCluster", StringComparison.Ordinal) ? _entries : null);

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<(int Id, string Text, Exception? Exception)>? entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => entries is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries?.Enqueue((eventId.Id, formatter(state, exception), exception));
    }
}
