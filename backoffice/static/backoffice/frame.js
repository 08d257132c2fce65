// The policy allows no style element in the page and no code in attributes: htmx is told not to try.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
