using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace CozeCluster.Gateway.Metrics;

/// <summary>
/// Collects the measurements of the node and writes them in Prometheus' text format, version 0.0.4. It supports counters and gauges of integers; this project
/// has no other instruments.
/// </summary>
internal sealed class MetricsCollector : IDisposable
{
    /// <summary>The name of every meter in this project.</summary>
    public const string MeterName = "CozeCluster";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly Lock _writing = new();

    public MetricsCollector()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != MeterName) return;
            listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument.Name, _ => new Family(instrument)));
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((Family)state!).Add(value, tags));
        _listener.Start();
    }

    /// <summary>Writes all metrics with their current values.</summary>
    public string Write()
    {
        lock (_writing)
        {
            foreach (var family in _families.Values) family.ClearObserved();
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (_, family) in _families.OrderBy(pair => pair.Key, StringComparer.Ordinal)) family.Write(text);
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>A metric with its series, one for each set of labels.</summary>
    private sealed class Family(Instrument instrument)
    {
        private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly bool _isCounter = instrument is Counter<long>;
        private readonly string _name = instrument.Name.Replace('.', '_') + (instrument is Counter<long> ? "_total" : "");

        public void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var series = _series.GetOrAdd(Labels(tags), static _ => new Series());
            if (instrument.IsObservable) series.Value = value;
            else Interlocked.Add(ref series.Value, value);
        }

        /// <summary>Removes all observed values. Observable instruments report their values again each time, and only those that still exist.</summary>
        public void ClearObserved()
        {
            if (instrument.IsObservable) _series.Clear();
        }

        public void Write(StringBuilder text)
        {
            if (_series.IsEmpty) return;
            text.Append("# HELP ").Append(_name).Append(' ').Append(instrument.Description).Append('\n');
            text.Append("# TYPE ").Append(_name).Append(_isCounter ? " counter\n" : " gauge\n");
            foreach (var (labels, series) in _series.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                var value = Interlocked.Read(ref series.Value);
                text.Append(_name).Append(labels).Append(' ').Append(CultureInfo.InvariantCulture, $"{value}").Append('\n');
            }
        }

        private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.IsEmpty) return "";
            var text = new StringBuilder("{");
            foreach (var (name, value) in tags)
            {
                if (text.Length > 1) text.Append(',');
                text.Append(name).Append("=\"");
                foreach (var c in value?.ToString() ?? "")
                {
                    if (c == '\n') text.Append("\\n");
                    else if (c is '"' or '\\') text.Append('\\').Append(c);
                    else text.Append(c);
                }
                text.Append('"');
            }
            return text.Append('}').ToString();
        }
    }

    private sealed class Series
    {
        public long Value;
    }
}
